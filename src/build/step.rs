//! A build step in short, for people: what it runs, without the mounts that it runs with.

/// The instruction on one line, without `--mount=…`, and without the lines by which generated Dockerfiles trust a network's
/// certificates.
pub fn brief(step: &str) -> String {
    let words =
        step.split_whitespace().filter(|word| !word.starts_with("--mount=")).collect::<Vec<_>>().join(" ");
    let trust = "if [ -s /run/secrets/";
    match words.split_once(trust) {
        Some((before, rest)) => match rest.split_once("fi && ") {
            Some((_, after)) => brief(&format!("{before}{after}")),
            None => words,
        },
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_left() {
        let step = "[build 4/6] RUN --mount=type=secret,id=dashdeploy_ca     --mount=type=cache,target=/root/.npm     \
                    if [ -s /run/secrets/dashdeploy_ca ]; then cat a > b && export C=b; fi &&     npm ci --no-audit";
        assert_eq!(brief(step), "[build 4/6] RUN npm ci --no-audit");
        for same in
            ["[1/2] FROM a", "[2/2] RUN if [ -e a ]; then b; fi && c", "RUN if [ -s /run/secrets/x ]; then y"]
        {
            assert_eq!(brief(same), same);
        }
    }
}
