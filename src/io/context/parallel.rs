//! The same work on every item of a list, by as many threads as there are processors.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Processors that this process may use. Asked once: the answer takes several files of the system's.
pub fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// The results in the order of the items; a thread takes so many items at a time that taking them costs nothing beside the
/// work. Short lists are not worth a thread. Blocks until all are there; a panic of the work is passed on.
pub(super) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    at_a_time: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = processors();
    if threads == 1 || items.len() < 4 * at_a_time {
        return items.iter().map(work).collect();
    }
    let chunks: Vec<&[T]> = items.chunks(at_a_time).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        let mut mine = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = chunks.get(place) else { return mine };
            mine.push((place, chunk.iter().map(&work).collect::<Vec<R>>()));
        }
    };
    let mut done: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        for many in [0, 1, 255, 257, 10_000] {
            let items: Vec<usize> = (0..many).collect();
            assert_eq!(
                in_parallel(&items, 64, |item| item * 2),
                (0..many).map(|item| item * 2).collect::<Vec<_>>()
            );
        }
    }
}
