//! How a task definition is registered without CloudFormation, and what its marks stand for.

use dashdeploy_contract::{Service, Source, ValuePart};

use super::super::container::{ACCOUNT, FILE_SYSTEM, mark};
use crate::layout::Layout;
use crate::names::{Stack, logical};

/// A task definition: for those who register it themselves.
pub(in crate::manifests) fn task(layout: &Layout, service: &Service) -> Vec<String> {
    let region = layout.region();
    let mut lines = vec![
        format!("The same task as in {}, for those who register it themselves: with", layout.desk.path(&Stack::Services.file())),
        "aws-actions/amazon-ecs-deploy-task-definition, or as below. A secret that is named here has to exist.".to_owned(),
        "What stands in <...> has to be filled in first:".to_owned(),
    ];
    lines.extend(marks(layout, service));
    let path = layout.desk.path(&format!("deploy/aws/{}.task-definition.yaml", service.name));
    let name = layout.names.service(&service.name);
    lines
        .push(format!("  aws ecs register-task-definition --region {region} --cli-input-yaml file://{path}"));
    lines.push(format!(
        "  aws ecs update-service --region {region} --cluster {} --service {name} --task-definition {name}",
        layout.names.cluster()
    ));
    lines
}

/// What each mark of a task definition stands for.
fn marks(layout: &Layout, service: &Service) -> Vec<String> {
    let export = |thing: &str| {
        let (region, export) = (layout.region(), layout.names.export(Stack::Core, thing));
        format!(
            "$(aws cloudformation list-exports --region {region} \
             --query \"Exports[?Name=='{export}'].Value\" --output text)"
        )
    };
    let mut lines = vec![format!("{ACCOUNT}: $(aws sts get-caller-identity --query Account --output text)")];
    if matches!(service.source, Source::Build(_)) {
        let services = layout.desk.path(&Stack::Services.file());
        lines.push(format!("<digest>: that of the image, as the head of {services} looks it up"));
    }
    if !service.volumes.is_empty() {
        lines.push(format!("{FILE_SYSTEM}: {}", export("file-system")));
    }
    for volume in service.volumes.keys() {
        lines.push(format!("<access point {volume}>: {}", export(&format!("{volume}-access-point"))));
    }
    let parts = service.env.values().flat_map(|text| layout.desk.parts(text, service));
    for part in parts {
        let line = match &part {
            ValuePart::Text(_) => continue,
            ValuePart::Url(name) if layout.is_distributed(name) => {
                format!("<url of {name}>: {}", layout.output(Stack::Cdn, &format!("{}Url", logical(name))))
            }
            other => format!("{}: known to you alone", mark(other)),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
