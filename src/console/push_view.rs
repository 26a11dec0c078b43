//! Pushes: the plain lines, and what a bar says of the layers of an image together.

use std::collections::BTreeMap;

use dashdeploy_contract::{Event, LayerState};
use indicatif::DecimalBytes;

use super::lines::took;
use super::{Style, safe};

/// The line for an event of a push; layers only where `verbose` asks for them, and once they are done.
pub(super) fn push_line(event: &Event, verbose: bool, style: Style) -> Option<String> {
    Some(match event {
        Event::PushStarted { service, image } => {
            format!("{} {service}  {}", style.dim("pushing"), safe(image))
        }
        Event::PushLayer { service, layer, state: LayerState::Sent, bytes, .. } if verbose => {
            format!("{service} │ layer {} sent, {}", safe(layer), DecimalBytes(*bytes))
        }
        Event::PushLayer { service, layer, state: LayerState::Existed, .. } if verbose => {
            format!("{service} │ layer {} is there", safe(layer))
        }
        Event::PushRetried { service, message } => {
            let word = style.yellow("again");
            format!("{word} {service}: the transfer broke: {}", safe(message))
        }
        Event::PushFinished { service, image, existed, bytes, millis } => {
            let (word, sent) = match existed {
                true => ("unchanged", String::new()),
                false => ("pushed", format!("  {}", DecimalBytes(*bytes))),
            };
            format!("{} {service}  {}{sent}{}", style.green(word), safe(image), took(Some(*millis)))
        }
        Event::PushFailed { service, message } => {
            format!("{} {service}: {}", style.red("failed"), safe(message))
        }
        _ => return None,
    })
}

/// The layers of the images that are being pushed.
#[derive(Default)]
pub(super) struct Sending {
    layers: BTreeMap<String, BTreeMap<String, (LayerState, u64, u64)>>,
}

impl Sending {
    /// Takes news of a layer and says how the image stands.
    pub(super) fn take(
        &mut self,
        service: &str,
        layer: &str,
        state: LayerState,
        bytes: u64,
        total: u64,
    ) -> String {
        let layers = self.layers.entry(service.to_owned()).or_default();
        layers.insert(layer.to_owned(), (state, bytes, total));
        let done =
            layers.values().filter(|(state, ..)| matches!(state, LayerState::Sent | LayerState::Existed));
        let (sent, all) =
            layers.values().fold((0, 0), |(sent, all), (_, bytes, total)| (sent + bytes, all + total));
        let (done, count) = (done.count(), layers.len());
        let bytes = format!("{} of {}", DecimalBytes(sent), DecimalBytes(all.max(sent)));
        format!("{service}  pushing: {done} of {count} layers, {bytes}")
    }

    /// Forgets an image that is done.
    pub(super) fn end(&mut self, service: &str) {
        self.layers.remove(service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_all_its_layers() {
        let mut sending = Sending::default();
        sending.take("api", "a", LayerState::Existed, 0, 0);
        sending.take("api", "b", LayerState::Sending, 1_000_000, 4_000_000);
        let text = sending.take("api", "c", LayerState::Sent, 1_000_000, 1_000_000);
        assert_eq!(text, "api  pushing: 2 of 3 layers, 2.00 MB of 5.00 MB");
        sending.end("api");
        assert!(sending.take("api", "d", LayerState::Waiting, 0, 0).contains("0 of 1 layers"));
    }
}
