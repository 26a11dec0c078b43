//! The layers of one image while they are sent: what is told of them, and what was sent in all.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dashdeploy_contract::{Event, EventSink, LayerState, Name};

use crate::io::docker::push::PushNews;

/// How often a layer's bytes are told.
const NEWS_EVERY: Duration = Duration::from_millis(100);

struct Layer {
    state: LayerState,
    bytes: u64,
    total: u64,
    told: Instant,
}

/// The layers of one image.
#[derive(Default)]
pub(super) struct Layers {
    layers: HashMap<String, Layer>,
}

impl Layers {
    /// Takes what the engine says, and tells it where it is new.
    pub(super) fn take(&mut self, news: PushNews, service: &Name, events: &dyn EventSink) {
        let Some(state) = state(&news.status) else { return };
        let now = Instant::now();
        let known = self.layers.get(&news.layer);
        let same = known.is_some_and(|layer| layer.state == state && now - layer.told < NEWS_EVERY);
        let (mut bytes, mut total) = known.map_or((0, 0), |layer| (layer.bytes, layer.total));
        if let Some((sent, all)) = news.bytes {
            (bytes, total) = (sent, all.max(sent));
        }
        if state == LayerState::Sent {
            bytes = total;
        }
        let told = if same { known.map_or(now, |layer| layer.told) } else { now };
        self.layers.insert(news.layer.clone(), Layer { state, bytes, total, told });
        if !same {
            let service = service.clone();
            events.emit(Event::PushLayer { service, layer: news.layer, state, bytes, total });
        }
    }

    /// Layers and bytes that were sent.
    pub(super) fn sent(&self) -> (u64, u64) {
        let sent = self.layers.values().filter(|layer| layer.state == LayerState::Sent);
        sent.fold((0, 0), |(count, bytes), layer| (count + 1, bytes + layer.bytes))
    }
}

/// The engine's words for it; none for those about the whole.
fn state(status: &str) -> Option<LayerState> {
    match status {
        "Preparing" | "Waiting" => Some(LayerState::Waiting),
        "Pushing" => Some(LayerState::Sending),
        "Pushed" => Some(LayerState::Sent),
        "Layer already exists" => Some(LayerState::Existed),
        other if other.starts_with("Mounted from ") => Some(LayerState::Existed),
        other if other.starts_with("Retrying in ") => Some(LayerState::Waiting),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);

    impl EventSink for Seen {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(serde_json::to_string(&event).unwrap());
        }
    }

    #[test]
    fn layers_are_counted_and_told_now_and_then() {
        let (mut layers, seen, service) = (Layers::default(), Seen::default(), Name::parse("api").unwrap());
        let mut say = |layer: &str, status: &str, bytes| {
            let news = PushNews { layer: layer.into(), status: status.into(), bytes };
            layers.take(news, &service, &seen);
        };
        say("a", "Preparing", None);
        say("a", "Pushing", Some((1, 10)));
        for sent in 2..10 {
            say("a", "Pushing", Some((sent, 10)));
        }
        say("a", "Pushed", None);
        say("b", "Layer already exists", None);
        say("c", "Mounted from x", None);
        say("v1", "digest", None);
        assert_eq!(layers.sent(), (1, 10));
        let seen = seen.0.into_inner().unwrap();
        assert_eq!(seen.len(), 5, "{seen:#?}");
        assert!(seen[2].contains(r#""state":"sent","bytes":10,"total":10"#), "{seen:#?}");
    }
}
