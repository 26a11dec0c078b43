//! The object stores that a ledger may be shared in: Amazon S3 and what speaks its protocol, Azure Blob Storage, Google Cloud
//! Storage.
//!
//! Given: variables and an address. Gives: [`Objects`]. Conditional writes are `If-None-Match: *` and `If-Match` at S3
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>) and Azure, generations at Google.
//! TLS is always checked, whatever variables say; without it only this machine is spoken to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, RetryConfig, UpdateVersion,
};

use super::objects::{Objects, ObjectsError, Put, Version};
use crate::io::http::is_loopback;

/// The largest object that is read: 16 MiB.
const LARGEST: u64 = 16 << 20;

/// A folder of a bucket.
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    shown: String,
}

/// What is wrong with an address or its login, and the mend.
type Wrong = (String, String);

impl Bucket {
    /// The folder of an address such as `s3://bucket/prefix`, by the vendors' own variables: `AWS_…`, `AZURE_…`, `GOOGLE_…`.
    /// Nothing is asked.
    ///
    /// # Errors
    /// What is wrong, and the mend.
    pub fn open(variables: &BTreeMap<String, String>, url: &str) -> Result<Self, Wrong> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let store = match scheme {
            "s3" => s3(variables, bucket),
            "az" => azure(variables, bucket),
            _ => google(variables, bucket),
        }?;
        let prefix = Path::parse(prefix).map_err(|error| {
            (format!("`{prefix}` is no folder of a bucket: {error}"), "choose another prefix".to_owned())
        })?;
        Ok(Self { store, prefix, shown: url.to_owned() })
    }

    /// A folder of a store that is there already.
    pub fn with(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: Path::from(prefix), shown: format!("memory://{prefix}") }
    }

    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}/{key}", self.prefix))
    }

    fn failed(&self, operation: &'static str, key: &str, error: &Error) -> ObjectsError {
        let place = format!("{}/{key}", self.shown);
        ObjectsError { operation, place, reason: words(error), hint: mend(error) }
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, mode: PutMode) -> Result<Put, ObjectsError> {
        let replaces = matches!(mode, PutMode::Update(_));
        let put = self.store.put_opts(&self.path(key), bytes.into(), PutOptions::from(mode)).await;
        match put {
            Ok(done) => Ok(Put::Done(Version { e_tag: done.e_tag, version: done.version })),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Put::Refused),
            // What was to be replaced is gone, which is another version too. Where nothing was to be there, the bucket is not.
            Err(Error::NotFound { .. }) if replaces => Ok(Put::Refused),
            Err(error) => Err(self.failed("write", key, &error)),
        }
    }
}

#[async_trait]
impl Objects for Bucket {
    fn shown(&self) -> String {
        self.shown.clone()
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let listed: Result<Vec<_>, Error> = self.store.list(Some(&self.path(folder))).try_collect().await;
        let listed = listed.map_err(|error| self.failed("list", folder, &error))?;
        let below = format!("{}/", self.prefix);
        let mut keys: Vec<String> = listed
            .iter()
            .filter_map(|object| object.location.as_ref().strip_prefix(&below).map(str::to_owned))
            .collect();
        keys.sort();
        Ok(keys)
    }

    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, ObjectsError> {
        let failed = |error: &Error| self.failed("read", key, error);
        let found = match self.store.get(&self.path(key)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        if found.meta.size > LARGEST {
            return Err(ObjectsError {
                operation: "read",
                place: format!("{}/{key}", self.shown),
                reason: "it has more than 16 MiB".to_owned(),
                hint: "dashdeploy did not write it: see who did".to_owned(),
            });
        }
        let version = Version { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await.map_err(|error| failed(&error))?;
        Ok(Some((bytes.to_vec(), version)))
    }

    async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError> {
        self.put(key, bytes, PutMode::Create).await
    }

    async fn replace(&self, key: &str, bytes: Vec<u8>, version: &Version) -> Result<Put, ObjectsError> {
        let version = UpdateVersion { e_tag: version.e_tag.clone(), version: version.version.clone() };
        self.put(key, bytes, PutMode::Update(version)).await
    }
}

fn s3(variables: &BTreeMap<String, String>, bucket: &str) -> Result<Arc<dyn ObjectStore>, Wrong> {
    let endpoint = endpoint(variables, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])?;
    let mut builder = AmazonS3Builder::new();
    for (key, value) in settings::<AmazonS3ConfigKey>(variables, "AWS_") {
        builder = builder.with_config(key, value);
    }
    let built = builder
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_skip_signature(false)
        .with_client_options(client(endpoint.as_deref()))
        .with_retry(retries())
        .build();
    let hint = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or run where AWS gives a role";
    built
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|error| (words(&error), hint.to_owned()))
}

fn azure(variables: &BTreeMap<String, String>, container: &str) -> Result<Arc<dyn ObjectStore>, Wrong> {
    let endpoint = endpoint(variables, &["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"])?;
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in settings::<AzureConfigKey>(variables, "AZURE_") {
        builder = builder.with_config(key, value);
    }
    let built = builder
        .with_container_name(container)
        .with_skip_signature(false)
        .with_client_options(client(endpoint.as_deref()))
        .with_retry(retries())
        .build();
    let hint = "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or the variables of a service principal";
    built
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|error| (words(&error), hint.to_owned()))
}

fn google(variables: &BTreeMap<String, String>, bucket: &str) -> Result<Arc<dyn ObjectStore>, Wrong> {
    let mut builder = GoogleCloudStorageBuilder::new();
    for (key, value) in settings::<GoogleConfigKey>(variables, "GOOGLE_") {
        builder = builder.with_config(key, value);
    }
    let built = builder
        .with_bucket_name(bucket)
        .with_skip_signature(false)
        .with_client_options(client(None))
        .with_retry(retries())
        .build();
    let hint = "set GOOGLE_APPLICATION_CREDENTIALS to the file of a login, or GOOGLE_SERVICE_ACCOUNT_KEY to its text";
    built
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|error| (words(&error), hint.to_owned()))
}

/// The variables that the store knows a setting for.
fn settings<'a, Key: std::str::FromStr>(
    variables: &'a BTreeMap<String, String>,
    prefix: &'a str,
) -> impl Iterator<Item = (Key, &'a str)> {
    variables
        .iter()
        .filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value.as_str())))
}

/// The address that counts instead of the vendor's own; without TLS only one of this machine.
fn endpoint(variables: &BTreeMap<String, String>, names: &[&str]) -> Result<Option<String>, Wrong> {
    let found =
        names.iter().find_map(|name| Some((name, variables.get(*name).filter(|value| !value.is_empty())?)));
    let Some((name, text)) = found else { return Ok(None) };
    let url = reqwest::Url::parse(text)
        .map_err(|_| (format!("{name} is no address"), "write it as https://host".to_owned()))?;
    let local = is_loopback(url.host_str().unwrap_or_default());
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        return Ok(Some(text.clone()));
    }
    Err((
        format!("{name} is an address without TLS, and not of this machine"),
        "write it with https://: who reads the ledger's traffic reads its login".to_owned(),
    ))
}

/// One policy of time limits for all stores. Made anew after the variables were read, so that none of them switches TLS off.
fn client(endpoint: Option<&str>) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(endpoint.is_some_and(|url| url.starts_with("http://")))
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_secs(10))
}

fn retries() -> RetryConfig {
    RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(15), ..RetryConfig::default() }
}

/// What a store says, without the queries of addresses, which may be signed.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    let plain: Vec<&str> = text
        .split_whitespace()
        .map(|word| if word.contains("://") { word.split(['?', '#']).next().unwrap_or(word) } else { word })
        .collect();
    plain.join(" ").chars().filter(|c| !c.is_control()).take(400).collect()
}

fn mend(error: &Error) -> String {
    // Listing wraps what the store says in a general error.
    let said = words(error);
    let says = |any: &[&str]| any.iter().any(|word| said.contains(word));
    let missing = ["NoSuchBucket", "ContainerNotFound", "specified bucket does not exist"];
    match error {
        Error::NotFound { .. } => "make the bucket, or correct its name at `ledger:`",
        _ if says(&missing) => "make the bucket, or correct its name at `ledger:`",
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => LET_IN,
        _ if says(&["401 Unauthorized", "403 Forbidden"]) => LET_IN,
        Error::NotImplemented { .. } | Error::NotSupported { .. } => {
            "choose a store with conditional writes: S3, Azure Blob Storage, Google Cloud Storage, MinIO, R2"
        }
        _ => "see that the store is reachable from here and the login is set, then run the command again",
    }
    .to_owned()
}

const LET_IN: &str =
    "let the login list, read and write that folder of the bucket, and see that it has not expired";

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn without_tls_only_this_machine() {
        for (url, allowed) in [
            ("http://127.0.0.1:5000", true),
            ("http://localhost:1", true),
            ("https://minio.example.com", true),
            ("http://minio.example.com", false),
            ("http://localhost.example.com", false),
            ("ftp://localhost", false),
            ("minio", false),
        ] {
            let login = [
                ("AWS_ENDPOINT_URL", url),
                ("AWS_ALLOW_HTTP", "true"),
                ("AWS_ACCESS_KEY_ID", "a"),
                ("AWS_SECRET_ACCESS_KEY", "b"),
            ];
            assert_eq!(Bucket::open(&variables(&login), "s3://bucket/x").is_ok(), allowed, "{url}");
        }
    }

    #[test]
    fn each_store_is_made_of_its_vendors_variables() {
        let azure =
            variables(&[("AZURE_STORAGE_ACCOUNT_NAME", "acc"), ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")]);
        assert!(Bucket::open(&azure, "az://container/x").is_ok());
        let (message, hint) = Bucket::open(&variables(&[]), "az://container/x").err().unwrap();
        assert!(hint.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{message}");
        assert!(Bucket::open(&variables(&[]), "gs://bucket/x").is_ok());
        let missing = variables(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")]);
        assert!(Bucket::open(&missing, "gs://bucket/x").is_err());
    }

    #[test]
    fn no_signed_query_is_told() {
        let source = "cannot PUT https://acc.blob.core.windows.net/c/x?sig=canary&se=1 (timed out)".into();
        let text = words(&Error::Generic { store: "Azure", source });
        assert!(
            !text.contains("canary") && text.contains("windows.net/c/x") && text.contains("timed out"),
            "{text}"
        );
    }
}
