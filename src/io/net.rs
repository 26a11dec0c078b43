//! Ports of this machine, and its name.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};

/// Why a port cannot be had; none where it can.
pub fn port_trouble(address: IpAddr, port: u16) -> Option<&'static str> {
    match TcpListener::bind((address, port)) {
        Ok(_) => None,
        Err(error) => match error.kind() {
            ErrorKind::AddrInUse => Some("something listens there already"),
            ErrorKind::PermissionDenied => Some("ports below 1024 need more rights"),
            ErrorKind::AddrNotAvailable => Some("this machine does not have that address"),
            _ => Some("the system refuses it"),
        },
    }
}

/// The name of this machine, for people; `here` where the system does not tell.
pub fn host_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    if name.is_empty() { "here".to_owned() } else { name }
}
