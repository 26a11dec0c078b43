//! Health as it changes: the engine's events are the signal, an inspection is the truth.
//!
//! Given: an engine. Gives: a [`HealthWatch`] over the containers that hold the stack's names. A task reads the event stream,
//! so that nothing is missed while nobody asks; what a sample says is looked up when it is asked for, so that no sample is
//! older than the question. A container that was set aside has another name, so its end is nobody's. Only an end that nobody
//! asked for (no `kill` before it) is reported even where the container was started again since.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use dashdeploy_contract::{ErrorKind, Health, HealthSample, HealthWatch, Name, TargetError, ownership_marks};
use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};

use crate::api::{Engine, Filters, labelled};
use crate::config::Stack;
use crate::error::{is_gone, ours};
use crate::health;

/// How often a broken stream is opened again before it is an error, the pauses doubling from 200 ms.
const ATTEMPTS: u32 = 7;

type Events = Pin<Box<dyn Stream<Item = Result<EventMessage, bollard::errors::Error>> + Send>>;

/// What an event asks for.
#[derive(Debug)]
enum Signal {
    /// Something happened to the service's container.
    Look(Name),
    /// A container's main process ended.
    Died { service: Name, id: String, code: i64 },
    /// A container is being stopped on purpose.
    Killed(String),
    /// The engine cannot be asked any more.
    Lost(String),
}

/// A subscription to the stack's health.
pub(crate) struct Watch {
    engine: Engine,
    /// The containers' names by service.
    names: BTreeMap<Name, String>,
    signals: mpsc::Receiver<Signal>,
    reader: tokio::task::AbortHandle,
    last: BTreeMap<Name, (Option<String>, Health)>,
    killed: BTreeSet<String>,
}

/// Opens a subscription; the first samples say how every service is now.
pub(crate) async fn open(engine: &Engine, stack: &Stack<'_>) -> Result<Watch, TargetError> {
    let names: BTreeMap<Name, String> =
        stack.services().iter().map(|s| (s.name.clone(), stack.container(&s.name))).collect();
    let mut filters = labelled(ownership_marks(stack.bound, None));
    filters.insert("type".to_owned(), vec!["container".to_owned()]);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let (sender, signals) = mpsc::channel(1024);
    let services = names.iter().map(|(service, name)| (name.clone(), service.clone())).collect();
    let reader = Reader { engine: engine.clone(), filters, services, since, sender };
    let (opened, open) = oneshot::channel();
    let reader = tokio::spawn(reader.run(opened)).abort_handle();
    // The reader has polled its stream, and asks for events since before that: none can be missed from here on.
    let _ = open.await;
    Ok(Watch {
        engine: engine.clone(),
        names,
        signals,
        reader,
        last: BTreeMap::new(),
        killed: BTreeSet::new(),
    })
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

#[async_trait]
impl HealthWatch for Watch {
    async fn next(&mut self) -> Result<HealthSample, TargetError> {
        loop {
            let sample = match self.signals.recv().await {
                Some(Signal::Look(service)) => self.look(service, None).await?,
                Some(Signal::Killed(id)) => {
                    self.killed.insert(id);
                    None
                }
                Some(Signal::Died { service, id, code }) => {
                    let end = (!self.killed.remove(&id)).then_some((id, code));
                    self.look(service, end).await?
                }
                Some(Signal::Lost(message)) => return Err(lost(message)),
                None => return Err(lost("the event stream ended".to_owned())),
            };
            if let Some(sample) = sample {
                return Ok(sample);
            }
        }
    }
}

impl Watch {
    /// The service's health now; none where it is what was said last of the same container.
    async fn look(
        &mut self,
        service: Name,
        end: Option<(String, i64)>,
    ) -> Result<Option<HealthSample>, TargetError> {
        let Some(name) = self.names.get(&service) else {
            return Ok(None);
        };
        let container = match self.engine.container(name).await {
            // The reader waits for the engine, and then asks for every service to be looked at again.
            Err(error) if is_gone(&error) => return Ok(None),
            found => found?,
        };
        let id = container.as_ref().and_then(|container| container.id.clone());
        let mut health = health::of(container.as_ref());
        if let Some((_, code)) = end.filter(|(ended, _)| id.as_ref() == Some(ended))
            && !matches!(health, Health::Exited { .. })
        {
            health = Health::Exited { code, detail: "it was started again".to_owned() };
        }
        let seen = (id, health.clone());
        if self.last.get(&service) == Some(&seen) {
            return Ok(None);
        }
        self.last.insert(service.clone(), seen);
        Ok(Some(HealthSample { service, health }))
    }
}

fn lost(message: String) -> TargetError {
    ours(ErrorKind::Unavailable, "watch containers", message)
        .hint("see `dashdeploy doctor`, then repeat the command")
}

/// Reads the event stream and opens it again when it breaks.
struct Reader {
    engine: Engine,
    filters: Filters,
    /// By container name.
    services: HashMap<String, Name>,
    /// Nanoseconds since 1970: events up to this moment were read.
    since: u128,
    sender: mpsc::Sender<Signal>,
}

impl Reader {
    async fn run(mut self, opened: oneshot::Sender<()>) {
        let mut opened = Some(opened);
        loop {
            let mut stream = self.stream();
            let polled = polled(&mut stream);
            let first = polled.await;
            if let Some(opened) = opened.take() {
                let _ = opened.send(());
            }
            for service in self.services.values().collect::<BTreeSet<_>>() {
                if self.sender.send(Signal::Look(service.clone())).await.is_err() {
                    return;
                }
            }
            self.read(first, stream).await;
            if let Err(cause) = self.answers_again().await {
                let _ = self.sender.send(Signal::Lost(cause)).await;
                return;
            }
        }
    }

    /// Waits until the engine answers again; says why it does not where patience ends.
    async fn answers_again(&self) -> Result<(), String> {
        let mut attempt = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
            match self.engine.docker.ping().await {
                Ok(_) => return Ok(()),
                Err(error) if attempt == ATTEMPTS => {
                    return Err(crate::error::engine("watch containers", &error).message);
                }
                Err(_) => attempt += 1,
            }
        }
    }

    fn stream(&self) -> Events {
        let since = format!("{}.{:09}", self.since / 1_000_000_000, self.since % 1_000_000_000);
        let options = EventsOptionsBuilder::new().since(&since).filters(&self.filters).build();
        let docker = self.engine.docker.clone();
        Box::pin(docker.events(Some(options)))
    }

    /// Reads until the stream breaks or nobody listens any more.
    async fn read(&mut self, first: Option<Item>, mut stream: Events) {
        let mut item = first;
        loop {
            let event = match item.take() {
                Some(item) => Some(item),
                None => stream.next().await,
            };
            let Some(Ok(event)) = event else {
                return;
            };
            if !self.tell(&event).await {
                return;
            }
        }
    }

    /// Hands an event on; false where nobody listens any more.
    async fn tell(&mut self, event: &EventMessage) -> bool {
        if let Some(nanos) = event.time_nano.and_then(|nanos| u128::try_from(nanos).ok()) {
            self.since = self.since.max(nanos + 1);
        }
        match signal(&self.services, event) {
            Some(signal) => self.sender.send(signal).await.is_ok(),
            None => !self.sender.is_closed(),
        }
    }
}

type Item = Result<EventMessage, bollard::errors::Error>;

/// Polls a stream once, so that its request is on the way.
async fn polled(stream: &mut Events) -> Option<Item> {
    std::future::poll_fn(|context| match stream.poll_next_unpin(context) {
        std::task::Poll::Ready(Some(item)) => std::task::Poll::Ready(Some(item)),
        _ => std::task::Poll::Ready(None),
    })
    .await
}

fn signal(services: &HashMap<String, Name>, event: &EventMessage) -> Option<Signal> {
    let actor = event.actor.as_ref()?;
    let attributes = actor.attributes.as_ref()?;
    let service = services.get(attributes.get("name")?)?.clone();
    let action = event.action.as_deref()?;
    match action.split(':').next().unwrap_or(action) {
        "die" => {
            let code = attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or_default();
            Some(Signal::Died { service, id: actor.id.clone()?, code })
        }
        "kill" => Some(Signal::Killed(actor.id.clone()?)),
        "start" | "health_status" | "oom" | "destroy" | "pause" | "unpause" | "rename" => {
            Some(Signal::Look(service))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(action: &str, name: &str) -> Option<Signal> {
        let services = HashMap::from([("shop-api-1".to_owned(), Name::parse("api").unwrap())]);
        let event = json!({ "Action": action, "Actor": { "ID": "7", "Attributes": { "name": name, "exitCode": "3" } } });
        signal(&services, &serde_json::from_value(event).unwrap())
    }

    #[test]
    fn only_what_concerns_the_holder_of_the_name_is_a_signal() {
        assert!(matches!(told("start", "shop-api-1"), Some(Signal::Look(_))));
        assert!(matches!(told("health_status: healthy", "shop-api-1"), Some(Signal::Look(_))));
        assert!(matches!(told("die", "shop-api-1"), Some(Signal::Died { code: 3, .. })));
        assert!(matches!(told("kill", "shop-api-1"), Some(Signal::Killed(_))));
        assert!(told("die", "shop-api-1-former").is_none());
        assert!(told("exec_create: sh", "shop-api-1").is_none());
    }
}
