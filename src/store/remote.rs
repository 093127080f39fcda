//! Stores behind an address: a bucket, and what of it lies below a prefix.

use std::ffi::OsString;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

use super::key;
use crate::error::{Error, Result};

/// How long a request that fails in passing is tried again unless [`PATIENCE`] says otherwise: a
/// server may be starting anew.
const RETRY: Duration = Duration::from_secs(30);

/// The setting that says so, in seconds.
const PATIENCE: &str = "SNAPBACK_STORE_PATIENCE";

/// How long nothing may come before a request counts as failed. A part of an upload has to be
/// through by then.
const SILENCE: Duration = Duration::from_mins(1);

/// How long a whole request may take, however steadily it gets on.
const REQUEST: Duration = Duration::from_mins(10);

/// An address such as `s3://bucket/some/prefix`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Address<'a> {
    scheme: &'a str,
    bucket: &'a str,
    /// Empty when the whole bucket is the store.
    prefix: &'a str,
}

/// Whether a location is an address rather than a path.
pub(super) fn is_address(location: &str) -> bool {
    location.contains("://")
}

/// Settings of the connection, as environment variables give them.
pub(super) type Settings = [(String, String)];

/// The process's own environment variables, those in UTF-8.
pub(super) fn environment() -> Vec<(String, String)> {
    let in_utf8 = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(in_utf8).collect()
}

/// Opens what an address names. Nothing is asked of the server yet.
pub(super) fn open(location: &str, settings: &Settings) -> Result<Arc<dyn ObjectStore>> {
    let address = Address::parse(location)?;
    match address.scheme {
        "s3" => s3(location, &address, settings),
        #[cfg(feature = "gcs")]
        "gs" => gcs(location, &address, settings),
        #[cfg(not(feature = "gcs"))]
        "gs" => Err(not_built_in(location, "gcs")),
        #[cfg(feature = "azure")]
        "az" => azure(location, &address, settings),
        #[cfg(not(feature = "azure"))]
        "az" => Err(not_built_in(location, "azure")),
        _ => Err(Error::invalid("there is no kind of store with this address")
            .on(location)
            .hint("name a directory, or an address that begins with s3://, gs:// or az://")),
    }
}

impl<'a> Address<'a> {
    fn parse(location: &'a str) -> Result<Self> {
        let refused = |what: &str| {
            Error::invalid(what).on(location).hint("write it as s3://BUCKET or s3://BUCKET/PREFIX")
        };
        let (scheme, rest) =
            location.split_once("://").ok_or_else(|| refused("this is no address of a store"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if !key::is_sound(bucket) {
            return Err(refused("the address names no bucket"));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.is_empty() && key::path(prefix).is_err() {
            return Err(refused(
                "the prefix may have letters, digits, dots, dashes and underscores only",
            ));
        }
        Ok(Self { scheme, bucket, prefix })
    }

    /// The objects below the prefix.
    fn below(&self, objects: impl ObjectStore) -> Arc<dyn ObjectStore> {
        if self.prefix.is_empty() {
            Arc::new(objects)
        } else {
            Arc::new(PrefixStore::new(objects, self.prefix))
        }
    }
}

fn s3(location: &str, address: &Address<'_>, settings: &Settings) -> Result<Arc<dyn ObjectStore>> {
    use_ring();
    let mut builder = AmazonS3Builder::new();
    for (key, limit) in
        [(ClientConfigKey::ReadTimeout, SILENCE), (ClientConfigKey::Timeout, REQUEST)]
    {
        builder = builder
            .with_config(AmazonS3ConfigKey::Client(key), format!("{} seconds", limit.as_secs()));
    }
    for (key, value) in known(settings, "AWS_") {
        builder = builder.with_config(key, value);
    }
    let built = builder.with_bucket_name(address.bucket).with_retry(retry(settings)?).build();
    built.map(|objects| address.below(objects)).map_err(|error| {
        unusable(location, &error)
            .hint("look at the AWS_… variables: key, secret, region, endpoint")
    })
}

#[cfg(feature = "gcs")]
fn gcs(location: &str, address: &Address<'_>, settings: &Settings) -> Result<Arc<dyn ObjectStore>> {
    use_ring();
    let mut builder = object_store::gcp::GoogleCloudStorageBuilder::new();
    for (key, value) in known(settings, "GOOGLE_") {
        builder = builder.with_config(key, value);
    }
    let built = builder.with_bucket_name(address.bucket).with_retry(retry(settings)?).build();
    built
        .map(|objects| address.below(objects))
        .map_err(|error| unusable(location, &error).hint("look at the GOOGLE_… variables"))
}

#[cfg(feature = "azure")]
fn azure(
    location: &str,
    address: &Address<'_>,
    settings: &Settings,
) -> Result<Arc<dyn ObjectStore>> {
    use_ring();
    let mut builder = object_store::azure::MicrosoftAzureBuilder::new();
    for (key, value) in known(settings, "AZURE_") {
        builder = builder.with_config(key, value);
    }
    let built = builder.with_container_name(address.bucket).with_retry(retry(settings)?).build();
    built
        .map(|objects| address.below(objects))
        .map_err(|error| unusable(location, &error).hint("look at the AZURE_… variables"))
}

/// The settings with this beginning that the client knows.
fn known<K: FromStr>(settings: &Settings, beginning: &str) -> Vec<(K, String)> {
    let known = |(name, value): &(String, String)| {
        let key = name.starts_with(beginning).then(|| name.to_ascii_lowercase().parse().ok());
        key.flatten().map(|key| (key, value.clone()))
    };
    settings.iter().filter_map(known).collect()
}

#[cfg(not(all(feature = "gcs", feature = "azure")))]
fn not_built_in(location: &str, feature: &str) -> Error {
    Error::invalid("stores with this address are not in this build")
        .on(location)
        .hint(format!("build with `--features {feature}`, or name an s3:// address or a directory"))
}

fn unusable(location: &str, error: &object_store::Error) -> Error {
    Error::invalid("the store's address cannot be used")
        .because(error.to_string())
        .on(location)
        .hint("check bucket and folder in it, and what the environment says of the server")
}

fn retry(settings: &Settings) -> Result<RetryConfig> {
    let said = settings.iter().find(|(name, _)| name == PATIENCE).map(|(_, value)| value);
    let retry_timeout = match said {
        None => RETRY,
        Some(value) => value.parse().map(Duration::from_secs).map_err(|error| {
            Error::invalid("this is no number of seconds")
                .because(error)
                .on(PATIENCE)
                .hint("write for how many seconds a request that fails is tried again")
        })?,
    };
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(3), ..BackoffConfig::default() };
    Ok(RetryConfig { backoff, max_retries: usize::MAX, retry_timeout })
}

/// The client leaves it to the process who encrypts. An application that chose already keeps its
/// choice, hence no look at the answer.
fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_bucket_and_a_prefix() {
        let address = |scheme, bucket, prefix| Address { scheme, bucket, prefix };
        for (text, expected) in [
            ("s3://bucket", address("s3", "bucket", "")),
            ("s3://bucket/", address("s3", "bucket", "")),
            ("gs://my.bucket/a/b", address("gs", "my.bucket", "a/b")),
            ("az://c/a/", address("az", "c", "a")),
        ] {
            assert_eq!(Address::parse(text).expect("an address"), expected);
        }
        for text in ["s3://", "s3:///a", "s3://b/../c", "s3://b//c", "s3://b/ä", "s3://b?x=1"] {
            let error = Address::parse(text).expect_err("no address");
            assert_eq!(error.next_step(), "write it as s3://BUCKET or s3://BUCKET/PREFIX");
        }
    }

    #[test]
    fn an_unknown_scheme_is_refused_with_those_that_there_are() {
        let error = open("ftp://bucket/path", &[]).expect_err("no such store");
        assert_eq!(
            error.to_string(),
            "ftp://bucket/path: there is no kind of store with this address"
        );
    }

    #[cfg(not(feature = "gcs"))]
    #[test]
    fn a_store_that_is_not_built_in_names_the_feature() {
        let error = open("gs://bucket", &[]).expect_err("not built in");
        assert!(error.next_step().contains("`--features gcs`"), "{error:?}");
    }
}
