"""What reads the files of the target aws in tests: AWS's own model of its API, and moto's account in memory.

usage: aws.py data FILE...            the files as JSON, with the long names of CloudFormation's functions
       aws.py definitions FILE...     task definitions by the model of `RegisterTaskDefinition`: a line for each problem
       aws.py moto FOLDER             makes the stacks and registers the task definitions; prints what is there as JSON
"""

import json
import os
import sys

import yaml


class Reader(yaml.SafeLoader):
    """YAML 1.1 with CloudFormation's short forms."""


def function(loader, tag, node):
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Reader.add_multi_constructor("!", function)
# CloudFormation takes a date for text, as JSON would.
Reader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Reader)


def definitions(paths):
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    for path in paths:
        report = ParamValidator().validate(read(path), shape)
        if report.has_errors():
            print(f"{path}: {report.generate_report()}")


# moto 5.2.5 has no ARN of these in CloudFormation, or does not have them at all.
LACKING = (
    "AWS::EFS::FileSystem",
    "AWS::EFS::AccessPoint",
    "AWS::SecretsManager::Secret",
    "AWS::ServiceDiscovery::Service",
)


def without(value, resources, known):
    """The template with texts in the place of what moto lacks, and its own certificate and zone for those of the project."""
    if isinstance(value, list):
        return [without(item, resources, known) for item in value]
    if isinstance(value, str):
        return next((mine for prefix, mine in known.items() if value.startswith(prefix)), value)
    if not isinstance(value, dict):
        return value
    attribute = value.get("Fn::GetAtt")
    if attribute and resources[attribute[0]]["Type"] in LACKING:
        return f"arn:aws:lacking:eu-central-1:123456789012:{attribute[0]}"
    if value.get("Ref") == "OriginSecret" or value.get("Fn::Sub") == "{{resolve:secretsmanager:${OriginSecret}}}":
        return "known-to-moto"
    return {key: without(item, resources, known) for key, item in value.items()}


def imports(value, found):
    """The names of all exports that a template imports."""
    if isinstance(value, list):
        for item in value:
            imports(item, found)
    elif isinstance(value, dict):
        if "Fn::ImportValue" in value:
            found.add(value["Fn::ImportValue"])
        for item in value.values():
            imports(item, found)
    return found


def create(stacks, name, template, given):
    parameters = template.get("Parameters", {})
    stacks.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": given(key)} for key, one in parameters.items() if "Default" not in one],
    )
    return stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def moto(folder):
    os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="eu-central-1")
    import boto3
    from moto import mock_aws

    with mock_aws():
        stacks, ecs = boto3.client("cloudformation"), boto3.client("ecs")
        lists = boto3.client("ec2").describe_managed_prefix_lists(
            Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.global.cloudfront.origin-facing"]}]
        )["PrefixLists"]
        core = read(os.path.join(folder, "core.yaml"))
        certificate = boto3.client("acm").request_certificate(DomainName="example.com")["CertificateArn"]
        zone = boto3.client("route53").create_hosted_zone(Name="example.com.", CallerReference="x")["HostedZone"]["Id"]
        known = {"arn:aws:acm:": certificate, "Z0123456789": zone.rsplit("/", 1)[-1]}
        core = without(core, core["Resources"], known)
        status = [create(stacks, "core", core, lambda key: lists[0]["PrefixListId"])]
        made = stacks.list_stack_resources(StackName="core")["StackResourceSummaries"]

        # CloudFront is not among what moto makes from templates: its exports are put there by hand.
        services = read(os.path.join(folder, "services.yaml"))
        exported = {export["Name"] for export in stacks.list_exports()["Exports"]}
        missing = sorted(imports(services, set()) - exported)
        outputs = {f"O{at}": {"Value": f"host-{at}.test", "Export": {"Name": name}} for at, name in enumerate(missing)}
        if missing:
            topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "stand-in"}}
            create(stacks, "cdn", {"Resources": {"Topic": topic}, "Outputs": outputs}, str)
        image = "registry.test/image@sha256:" + "0" * 64
        status.append(create(stacks, "services", services, lambda key: image if key.endswith("Image") else f"given-{key}"))
        families = ecs.list_task_definition_families()["families"]
        by_stack = {
            family: ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["containerDefinitions"][0]
            for family in families
        }
        by_file = {}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".task-definition.yaml"):
                definition = read(os.path.join(folder, name))
                answer = ecs.register_task_definition(**definition)["taskDefinition"]
                by_file[definition["family"]] = answer["containerDefinitions"][0]
        json.dump(
            {
                "status": status,
                "missing": missing,
                "made": {one["LogicalResourceId"]: one["ResourceType"] for one in made},
                "services": ecs.list_services(cluster=ecs.list_clusters()["clusterArns"][0])["serviceArns"],
                "by_stack": by_stack,
                "by_file": by_file,
            },
            sys.stdout,
        )


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "data":
        json.dump({path: read(path) for path in arguments}, sys.stdout)
    elif command == "definitions":
        definitions(arguments)
    else:
        moto(*arguments)
