//! `publish` and `public` → where a service is reached on a Docker host.

use std::net::{IpAddr, Ipv4Addr};

use dashdeploy_contract::Publish;

use crate::config::rules::{Problem, Publishing};

/// What is known of a service when its publishing is decided.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    /// `publish`, where it is written.
    pub publish: Option<Publishing>,
    /// `public`, true or false.
    pub public: bool,
    /// The port it listens on.
    pub port: Option<u16>,
    /// True where the image is built, and so the service is the user's own: such are published on loopback unless
    /// something else is said.
    pub built: bool,
}

/// Where the service is reached, or the key at fault and what is wrong with it.
pub(super) fn decide(wish: Wish) -> Result<Publish, (&'static str, Problem)> {
    let address = IpAddr::V4(if wish.public { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST });
    match (wish.publish, wish.port) {
        (None, Some(port)) if wish.built => Ok(Publish::Port { address, port }),
        (None | Some(Publishing::No), _) if wish.public => Err(("public", unpublished())),
        (None | Some(Publishing::No), _) => Ok(Publish::No),
        (Some(_), None) => Err(("publish", portless())),
        (Some(Publishing::Port(port)), Some(_)) => Ok(Publish::Port { address, port }),
        (Some(Publishing::Address(address, port)), Some(_)) => match (address.is_loopback(), wish.public) {
            (true, true) => Err(("public", contradiction(address))),
            (false, false) => Err(("publish", exposed(address))),
            _ => Ok(Publish::Port { address, port }),
        },
    }
}

fn unpublished() -> Problem {
    Problem::new("public-unpublished", "`public` has no effect: nothing of this service is published")
        .hint("add `publish:` with a port, or remove `public`")
}

fn portless() -> Problem {
    Problem::new("no-port", "nothing can be published: the service listens on no port")
        .hint("add `port:` with the port that it listens on, or remove `publish`")
}

fn contradiction(address: IpAddr) -> Problem {
    let message = format!("`public: true` and the loopback address {address} contradict each other");
    Problem::new("public-loopback", message).hint("remove `public`, or write the port alone")
}

fn exposed(address: IpAddr) -> Problem {
    let message = format!("the address {address} can be reached from other machines");
    Problem::new("exposed", message).hint("add `public: true` if that is meant, else write the port alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_reachable_from_outside_unless_it_is_said() {
        let wish = Wish { publish: None, public: false, port: Some(80), built: true };
        let port = |address: &str, port| Ok(Publish::Port { address: address.parse().unwrap(), port });
        let any = Some(Publishing::Address("0.0.0.0".parse().unwrap(), 80));

        assert_eq!(decide(wish), port("127.0.0.1", 80));
        assert_eq!(decide(Wish { public: true, ..wish }), port("0.0.0.0", 80));
        assert_eq!(decide(Wish { built: false, ..wish }), Ok(Publish::No));
        assert_eq!(decide(Wish { publish: any, public: true, ..wish }), port("0.0.0.0", 80));
        assert_eq!(decide(Wish { publish: any, ..wish }).unwrap_err().1.code, "exposed");
        assert_eq!(decide(Wish { publish: any, port: None, ..wish }).unwrap_err().1.code, "no-port");
        assert_eq!(
            decide(Wish { built: false, public: true, ..wish }).unwrap_err().1.code,
            "public-unpublished"
        );
    }
}
