//! An account that moto keeps in memory: it takes the stacks and the task definitions, and is asked what it then has.

use serde_json::Value;

use super::super::{nasty, nasty_values, rendered};
use super::{WIDE, environment, script};
use crate::support::Project;

/// moto makes what the templates say, and answers with what the account then has.
fn in_memory(test: &str, project: &Project) -> Option<Value> {
    let folder = project.path().join("deploy/aws");
    let text = script(test, &["moto"], &[folder], "import moto, boto3, yaml")?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn an_account_in_memory_takes_the_stacks_and_has_the_values() {
    let test = "an_account_in_memory_takes_the_stacks";
    let project = rendered(&nasty("target: aws\nregion: eu-central-1"), "aws");
    let Some(made) = in_memory(test, &project) else { return };
    assert_eq!(made["status"], serde_json::json!(["CREATE_COMPLETE", "CREATE_COMPLETE"]), "{made}");
    assert_eq!(made["missing"], serde_json::json!(["shop-cdn-web-domain-name"]));
    let kinds: Vec<&str> = made["made"].as_object().unwrap().values().filter_map(Value::as_str).collect();
    for kind in ["EFS::MountTarget", "ElasticLoadBalancingV2::ListenerRule", "ECS::Cluster", "S3::Bucket"] {
        assert!(kinds.contains(&format!("AWS::{kind}").as_str()), "{kind}: {kinds:?}");
    }
    let by_stack = &made["by_stack"]["shop-api"];
    let by_file = &made["by_file"]["shop-api"];
    for container in [by_stack, by_file] {
        let environment = environment(&container["environment"], "name", "value");
        for (name, value) in nasty_values() {
            let wanted = (name, Value::from(value));
            assert!(environment.contains(&wanted), "{wanted:?} in {environment:?}");
        }
    }
    let cors = |container: &Value| {
        let all = environment(&container["environment"], "name", "value");
        all.into_iter().find(|(name, _)| name == "CORS_ORIGINS").unwrap().1
    };
    assert_eq!((cors(by_stack), cors(by_file)), ("https://host-0.test".into(), "<url of web>".into()));
    // Both files describe one task, but for what only an account knows.
    for key in [
        "command",
        "healthCheck",
        "linuxParameters",
        "mountPoints",
        "portMappings",
        "user",
        "logConfiguration",
    ] {
        assert_eq!(by_stack[key], by_file[key], "{key}");
    }
    // A secret that nobody has said to exist is not asked for.
    let secrets = environment(&by_stack["secrets"], "name", "valueFrom");
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/production/API_KEY";
    assert_eq!(secrets, [("API_KEY".to_owned(), Value::from(arn))]);
}

#[test]
fn an_account_in_memory_takes_the_wide_project_too() {
    let test = "an_account_in_memory_takes_the_wide_project_too";
    let Some(made) = in_memory(test, &rendered(WIDE, "aws")) else { return };
    assert_eq!(made["status"], serde_json::json!(["CREATE_COMPLETE", "CREATE_COMPLETE"]), "{made}");
    assert_eq!(made["services"].as_array().unwrap().len(), 8, "{}", made["services"]);
    let api = environment(&made["by_stack"]["shop-api"]["environment"], "name", "value");
    let value = |name: &str| api.iter().find(|(known, _)| known == name).unwrap().1.as_str().unwrap();
    assert_eq!(value("QUEUE"), "redis://queue.shop.internal:6379");
    assert_eq!(value("TOKEN_URL"), "given-TokenUrlValue?r=given-Release");
    assert_eq!(value("CORS"), "https://app.example.com,https://www.example.com,https://shop-other.fly.dev");
    let command = &made["by_stack"]["shop-worker"]["command"];
    let words = ["python", "-c", "print('a b', \"$HOME\", '\\\\')", "", "*", "#x", "${ssm}", "{{x}}"];
    assert_eq!(command, &serde_json::json!(words));
}
