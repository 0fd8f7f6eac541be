//! The account that Postgres runs as, because it refuses to run as root.

use std::process::Command;

use crate::Error;

/// A user account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The numeric id of the user.
    pub uid: u32,
    /// The numeric id of the user's main group.
    pub gid: u32,
}

/// The account of the server's files and process.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    /// The owner of the server's files.
    pub(crate) server: Account,
    /// The account to switch to, if it is not our own.
    pub(crate) switch_to: Option<Account>,
}

impl Accounts {
    /// An ordinary user runs the server under its own account; root runs it as `postgres` or
    /// `nobody`.
    pub(crate) fn find() -> Result<Self, Error> {
        let ourselves = lookup(None).ok_or(Error::NoAccount)?;
        if ourselves.uid != 0 {
            return Ok(Self {
                server: ourselves,
                switch_to: None,
            });
        }

        let server = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| lookup(Some(name)));
        let server = server.ok_or(Error::NoAccount)?;
        Ok(Self {
            switch_to: Some(server.clone()),
            server,
        })
    }
}

/// Looks up an account with `id`, which knows every user directory of the system, not only
/// /etc/passwd.
fn lookup(name: Option<&str>) -> Option<Account> {
    let id = |option: &str| {
        let output = Command::new("id").arg(option).args(name).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Some(Account {
        uid: id("-u")?.parse().ok()?,
        gid: id("-g")?.parse().ok()?,
        name: name.map(str::to_owned).or_else(|| id("-un"))?,
    })
}
