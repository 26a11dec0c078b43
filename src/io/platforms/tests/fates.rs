//! Ten thousand runs against a platform that fails by chance.

use std::collections::BTreeMap;

use super::*;

/// Chance that can be had again: <https://www.jstatsoft.org/article/view/v008i14>.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What an attempt met.
#[derive(Debug, Clone)]
struct Met {
    call: String,
    /// The limit that it shares with others.
    limit: Option<usize>,
    at: Instant,
    ended: Instant,
    surely_nothing: bool,
    asked: Option<Duration>,
    limited: bool,
}

#[derive(Default)]
struct Figures {
    runs: u64,
    calls: u64,
    attempts: u64,
    most: u64,
    unsafe_repeats: u64,
    early: u64,
    crowded: u64,
    over_budget: u64,
    late: u64,
}

/// Limits as platforms document them: calls a second, calls at once.
const PACES: [(f64, u32); 3] = [(1.0, 3), (0.2, 1), (5.0, 10)];

fn pace(limit: usize) -> Pace {
    let (per_second, burst) = PACES[limit];
    Pace { shared_by: format!("limit {limit}"), per_second, burst }
}

fn fate(chance: &mut Chance) -> (Duration, Result<Answer, HttpError>, bool, Option<Duration>) {
    let url = Url::parse("https://api.example.com/x").unwrap();
    let takes = Duration::from_millis(chance.below(3000));
    let after = [0, 1, 5, 40, 200, 700, 315_360_000][chance.below(7) as usize];
    let asked = Some(Duration::from_secs(after)).filter(|asked| *asked >= Duration::from_secs(1));
    match chance.below(10) {
        0 | 1 => (takes, status(200), true, None),
        2 => (takes, waits(429, &after.to_string()), true, asked),
        3 => (takes, waits(503, &after.to_string()), false, asked),
        4 => (takes, status([500, 502, 504, 408][chance.below(4) as usize]), false, None),
        5 => (takes, status(429), true, None),
        6 => (takes, status(404), true, None),
        7 => (Duration::from_secs(10), Err(unconnected(&url)), true, None),
        _ => (Duration::from_secs(30), lost(), false, None),
    }
}

/// No connection: the kind of error that may pass and did nothing.
fn unconnected(url: &Url) -> HttpError {
    HttpError::silent(url).after_head(reqwest::StatusCode::TOO_MANY_REQUESTS)
}

async fn run(seed: u64, figures: &mut Figures) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let calls = 1 + chance.below(12);
    let (met, mut fates) = (Arc::new(Mutex::new(Vec::<Met>::new())), chance.clone());
    let kept = Arc::clone(&met);
    let fake = Fake::new(move |request, _| {
        let (takes, result, surely_nothing, asked) = fate(&mut fates);
        let limited = result.as_ref().is_ok_and(|answer| answer.status.as_u16() == 429);
        let (call, at) = (request.url.path().to_owned(), Instant::now());
        let limit = call.split('/').nth(2).unwrap().parse().ok();
        kept.lock().unwrap().push(Met { call, limit, at, ended: at + takes, surely_nothing, asked, limited });
        (takes, result)
    });
    let ports = Platforms::over(fake);
    let all = (0..calls).map(|nth| {
        let (kind, delay) = (chance.below(3), Duration::from_secs(chance.below(60)));
        let limit = Some(chance.below(4) as usize).filter(|limit| *limit < PACES.len());
        let shown = limit.map_or("-".to_owned(), |limit| limit.to_string());
        let (ports, url) = (&ports, format!("https://api.example.com/{nth}/{shown}/{kind}"));
        let to = ReadCall { pace: limit.map(pace), ..read(&url) };
        async move {
            tokio::time::sleep(delay).await;
            let began = Instant::now();
            let _ = match kind {
                0 => ports.get(to).await,
                1 => ports.send(WriteCall { to, ..write(&url, Repeat::Harmless) }).await,
                _ => ports.send(WriteCall { to, ..write(&url, Repeat::Once) }).await,
            };
            began.elapsed()
        }
    });
    let took = futures_util::future::join_all(all).await;
    let met = met.lock().unwrap();
    // An attempt that is under way at the deadline is cut off there by its limits, which the fake does not obey.
    figures.late += took.iter().filter(|took| **took > DEADLINE + Duration::from_secs(30)).count() as u64;
    judge(&met, calls, figures);
}

fn judge(met: &[Met], calls: u64, figures: &mut Figures) {
    let mut of_call: BTreeMap<&str, Vec<&Met>> = BTreeMap::new();
    met.iter().for_each(|one| of_call.entry(&one.call).or_default().push(one));
    figures.runs += 1;
    figures.calls += calls;
    figures.attempts += met.len() as u64;
    figures.over_budget += u64::from(met.len() as u64 > calls + 10 + calls / 10);
    for (call, attempts) in of_call {
        figures.most = figures.most.max(attempts.len() as u64);
        for pair in attempts.windows(2) {
            figures.unsafe_repeats += u64::from(call.ends_with("/2") && !pair[0].surely_nothing);
            let due = pair[0].ended + pair[0].asked.unwrap_or_default();
            figures.early += u64::from(pair[1].at < due);
        }
    }
    for limit in met.iter().filter(|one| one.limited) {
        let Some(asked) = limit.asked.filter(|asked| *asked <= DEADLINE) else { continue };
        let meanwhile = limit.ended..limit.ended + asked;
        let held = met.iter().filter(|one| limit.limit.is_none() || one.limit == limit.limit);
        // What went out at the very moment at which the answer came could not know of it.
        figures.early +=
            held.filter(|one| one.at != limit.ended && meanwhile.contains(&one.at)).count() as u64;
    }
    for (limit, (per_second, burst)) in PACES.into_iter().enumerate() {
        let at: Vec<Instant> = met.iter().filter(|one| one.limit == Some(limit)).map(|one| one.at).collect();
        for (first, begin) in at.iter().enumerate() {
            figures.crowded += at[first..]
                .iter()
                .zip(1..)
                .filter(|(end, calls)| {
                    let earned = (**end - *begin).as_secs_f64() * per_second;
                    f64::from(*calls) > earned + f64::from(burst) + 0.01
                })
                .count() as u64;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_runs_keep_every_promise() {
    let mut figures = Figures::default();
    for seed in 0..10_000 {
        run(seed, &mut figures).await;
    }
    println!(
        "{} runs, {} calls, {} attempts, at most {} a call; unsafe repeats {}, before their time {}, \
         faster than their pace {}, runs over the budget {}, \
         calls over the deadline {}",
        figures.runs,
        figures.calls,
        figures.attempts,
        figures.most,
        figures.unsafe_repeats,
        figures.early,
        figures.crowded,
        figures.over_budget,
        figures.late,
    );
    assert!(figures.attempts > figures.calls + 10_000 && figures.most == 6, "enough happened");
    let breaches =
        [figures.unsafe_repeats, figures.early, figures.crowded, figures.over_budget, figures.late];
    assert_eq!(breaches, [0; 5]);
}
