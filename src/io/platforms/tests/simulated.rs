//! The layers against a platform in memory, under paused time.

use dashdeploy_contract::CallError;

use super::*;

const URL: &str = "https://api.example.com/v1/x?token=canary";

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_six_times_and_hands_on_the_last_answer() {
    let fake = Fake::script(vec![status(503)]);
    let answer = Platforms::over(fake.clone()).get(read(URL)).await.unwrap();
    assert_eq!((answer.status, fake.count()), (503, 6));
    let fake = Fake::script(vec![lost(), status(502), status(200)]);
    let answer = Platforms::over(fake.clone()).get(read(URL)).await.unwrap();
    assert_eq!((answer.status, fake.count()), (200, 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_for_once_is_sent_again_only_where_it_did_nothing() {
    for (met, sent) in
        [(lost(), 1), (status(500), 1), (status(503), 1), (status(408), 1), (waits(503, "1"), 1)]
    {
        let fake = Fake::script(vec![met, status(201)]);
        let _ = Platforms::over(fake.clone()).send(write(URL, Repeat::Once)).await;
        assert_eq!(fake.count(), sent);
    }
    let fake = Fake::script(vec![waits(429, "3"), status(201)]);
    let answer = Platforms::over(fake.clone()).send(write(URL, Repeat::Once)).await.unwrap();
    assert_eq!((answer.status, fake.gaps()), (201, vec![Duration::from_secs(3)]));
}

#[tokio::test(start_paused = true)]
async fn an_error_remembers_what_earlier_attempts_may_have_done() {
    let refused = || Err(HttpError::refused(&Url::parse(URL).unwrap(), "no connection"));
    let ports = |results| Platforms::over(Fake::script(results));
    let failed = |result: Result<ApiAnswer, CallError>| result.unwrap_err().may_have_happened;
    assert!(failed(ports(vec![lost()]).send(write(URL, Repeat::Once)).await));
    assert!(failed(ports(vec![status(502), refused()]).send(write(URL, Repeat::Harmless)).await));
    assert!(!failed(ports(vec![status(429), refused()]).send(write(URL, Repeat::Harmless)).await));
    assert!(!failed(ports(vec![refused()]).send(write(URL, Repeat::Once)).await));
    assert!(!failed(ports(vec![lost()]).get(read(URL)).await), "a read changes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_honoured_exactly_up_to_the_deadline() {
    for (code, after, seconds) in [(429, "7", 7), (503, "599", 599), (500, "90", 90), (429, "1.5", 0)] {
        let fake = Fake::script(vec![waits(code, after), status(200)]);
        Platforms::over(fake.clone()).get(read(URL)).await.unwrap();
        let expected = if seconds == 0 { Duration::from_millis(1500) } else { Duration::from_secs(seconds) };
        assert_eq!(fake.gaps(), [expected], "{after}");
    }
    for after in ["7200", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let fake = Fake::script(vec![waits(429, after), status(200)]);
        let answer = Platforms::over(fake.clone()).get(read(URL)).await.unwrap();
        assert_eq!((answer.status, fake.count()), (429, 1), "{after}");
        assert!(answer.words().starts_with("the platform asks to wait "), "{}", answer.words());
    }
    for after in ["-5", "soon", "0", ""] {
        let fake = Fake::script(vec![waits(429, after), status(200)]);
        Platforms::over(fake.clone()).get(read(URL)).await.unwrap();
        assert!(fake.gaps()[0] <= Duration::from_millis(501), "{after}: the ordinary pause");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_add_up_to_the_deadline_and_no_further() {
    let (fake, began) = (Fake::script(vec![waits(503, "250")]), Instant::now());
    let answer = Platforms::over(fake.clone()).get(read(URL)).await.unwrap();
    assert_eq!((answer.status, fake.count()), (503, 3));
    assert!(began.elapsed() <= DEADLINE);
    assert_eq!(answer.words(), "the platform asks to wait 5 min");
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_everybody_at_that_host_and_nobody_else() {
    let fake = Fake::new(|_, nth| (Duration::ZERO, if nth == 0 { waits(429, "30") } else { status(200) }));
    let ports = Platforms::over(fake.clone());
    let began = Instant::now();
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ports.get(read("https://api.other.com/")).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        ports.get(read("https://api.example.com/other")).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_secs(30));
    };
    let (first, ()) = tokio::join!(ports.get(read(URL)), other);
    assert_eq!(first.unwrap().status, 200);
    assert_eq!(fake.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_429_of_one_limit_holds_the_calls_of_that_limit_alone() {
    let fake = Fake::new(|request, nth| {
        let first = nth == 0 && request.url.path() == "/a";
        (Duration::ZERO, if first { waits(429, "30") } else { status(200) })
    });
    let ports = Platforms::over(fake.clone());
    let limited = |path: &str, shared_by: &str| {
        let pace = Pace { shared_by: shared_by.to_owned(), per_second: 1.0, burst: 3 };
        ReadCall { pace: Some(pace), ..read(&format!("https://api.example.com/{path}")) }
    };
    let began = Instant::now();
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let at_once = [limited("b", "machines of b"), read("https://api.example.com/c")];
        futures_util::future::join_all(at_once.map(|call| ports.get(call))).await;
        assert_eq!(began.elapsed().as_secs(), 1, "another service's calls go on");
        ports.get(limited("a2", "machines of a")).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 30);
    };
    let (first, ()) = tokio::join!(ports.get(limited("a", "machines of a")), others);
    assert_eq!((first.unwrap().status, fake.count()), (200, 5));
}

#[tokio::test(start_paused = true)]
async fn those_who_stood_in_line_keep_their_pace_after_a_pause() {
    let fake = Fake::new(|_, nth| (Duration::ZERO, if nth == 0 { waits(429, "60") } else { status(200) }));
    let ports = Platforms::over(fake.clone());
    let pace = Pace { shared_by: "deploys".to_owned(), per_second: 1.0, burst: 1 };
    let call = || ReadCall { pace: Some(pace.clone()), ..read(URL) };
    futures_util::future::join_all((0..8).map(|_| ports.get(call()))).await;
    let gaps = fake.gaps();
    assert_eq!((fake.count(), gaps[0].as_secs()), (9, 60));
    assert!(gaps[1..].iter().all(|gap| gap.as_secs() >= 1), "no crowd when the pause ends: {gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_hours_stops_the_calls_of_its_limit_before_they_are_sent() {
    let fake = Fake::script(vec![waits(429, "3600"), status(200)]);
    let ports = Platforms::over(fake.clone());
    let pace = Pace { shared_by: "create service".to_owned(), per_second: 1.0, burst: 5 };
    let create =
        || WriteCall { to: ReadCall { pace: Some(pace.clone()), ..read(URL) }, ..write(URL, Repeat::Once) };
    assert_eq!(ports.send(create()).await.unwrap().status, 429);
    let error = ports.send(create()).await.unwrap_err();
    assert_eq!(error.to_string(), "https://api.example.com/v1/x: the platform asks to wait 60 min");
    assert!(!error.may_have_happened && error.hint.is_some());
    assert_eq!(fake.count(), 1);
    assert_eq!(ports.get(read(URL)).await.unwrap().status, 200, "other calls go on");
}

#[tokio::test(start_paused = true)]
async fn calls_keep_to_their_pace() {
    let fake = Fake::script(vec![status(200)]);
    let ports = Platforms::over(fake.clone());
    let pace = Pace { shared_by: "create machine".to_owned(), per_second: 1.0, burst: 3 };
    let call = || ReadCall { pace: Some(pace.clone()), ..read(URL) };
    let began = Instant::now();
    futures_util::future::join_all((0..10).map(|_| ports.get(call()))).await;
    assert_eq!(began.elapsed().as_secs(), 7);
    let made: Vec<u64> =
        fake.made.lock().unwrap().iter().map(|at| at.duration_since(began).as_secs()).collect();
    assert_eq!(made, [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_of_408_is_the_platforms_word() {
    let fake = Fake::script(vec![status(408)]);
    let call = ReadCall { patience: Some(Duration::from_secs(70)), ..read(URL) };
    assert_eq!(Platforms::over(fake.clone()).get(call).await.unwrap().status, 408);
    assert_eq!(fake.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_that_no_platform_gives_are_asked_for_again() {
    let json =
        |body: &str| answer(200, &[("content-type", "application/json"), ("fly-request-id", "r1")], body);
    let page =
        answer(200, &[("content-type", "text/html; charset=utf-8"), ("rndr-id", "r2")], "<h1>Wait</h1>");
    let packed = answer(200, &[("content-encoding", "gzip")], "\u{1f}\u{8b}");
    for wrong in [json("{\"a\": [1, 2"), json("<html>"), page, packed] {
        let fake = Fake::script(vec![Ok(wrong.clone()), Ok(json("{}"))]);
        assert_eq!(Platforms::over(fake.clone()).get(read(URL)).await.unwrap().body, b"{}");
        let fake = Fake::script(vec![Ok(wrong), Ok(json("{}"))]);
        let error = Platforms::over(fake.clone()).send(write(URL, Repeat::Once)).await.unwrap_err();
        assert!(error.may_have_happened && fake.count() == 1, "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }
    for good in [json(""), answer(202, &[], "queued"), answer(503, &[("content-type", "text/html")], "<h1>")]
    {
        let fake = Fake::script(vec![Ok(good.clone())]);
        let status = Platforms::over(fake).get(read(URL)).await.unwrap().status;
        assert_eq!(status, good.status.as_u16());
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_among_the_headers_is_refused() {
    for name in ["Authorization", "cookie", "Proxy-Authorization"] {
        let mut call = read(URL);
        call.headers.push((name.to_owned(), "canary".to_owned()));
        let fake = Fake::script(vec![status(200)]);
        let error = Platforms::over(fake.clone()).get(call).await.unwrap_err();
        assert!(!error.to_string().contains("canary") && fake.count() == 0);
    }
}
