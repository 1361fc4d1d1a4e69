//! Operators: who signs in, and what he may.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Work;
use super::nonce::random;
use crate::domain::Refusal;
use crate::failure::Failure;
use crate::store::operator::{self, Account};

/// Octets of a session's token.
const TOKEN_LEN: usize = 32;
/// Shortest password.
const PASSWORD_MIN: usize = 12;
/// Longest password, octets: hashing costs time.
const PASSWORD_MAX: usize = 256;

/// What an operator may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Looks.
    Viewer,
    /// Looks and changes.
    Operator,
}

impl Role {
    pub(crate) const ALL: &'static [Self] = &[Self::Viewer, Self::Operator];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// A session that was begun.
pub(crate) struct Session {
    /// Base64url. Nobody can read it from the database.
    pub(crate) token: Zeroizing<String>,
    pub(crate) expires_at: u64,
}

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Hashes a password for its account.
///
/// Errors: [`Failure::Usage`] for one that is too short or too long.
pub(crate) fn hash_password(password: &str) -> Result<String, Failure> {
    if password.chars().count() < PASSWORD_MIN || password.len() > PASSWORD_MAX {
        return Err(Failure::Usage(format!(
            "a password has at least {PASSWORD_MIN} characters, and at most {PASSWORD_MAX} octets"
        )));
    }
    let salt = random::<16>()?;
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &*salt);
    Ok(hash.map_err(|error| Failure::System(error.to_string()))?.to_string())
}

/// Whether a password is an account's. Who has no account costs the same time.
pub(crate) fn is_password(account: Option<&Account>, password: &str) -> bool {
    /// Of no password.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if password.len() > PASSWORD_MAX {
        return false;
    }
    let hash = account.map_or(NOBODY, |account| &account.password_hash);
    let is_it = PasswordHash::new(hash)
        .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
    is_it && account.is_some()
}

impl Work<'_> {
    /// Makes an account, or gives it another role or password; its sessions end.
    pub(crate) async fn save_operator(
        &mut self,
        name: &str,
        role: Role,
        password_hash: String,
    ) -> Result<(), Failure> {
        let account =
            Account { name: name.to_owned(), role: role.name().to_owned(), password_hash };
        operator::save_account(&mut self.change, &account, self.now).await?;
        self.note(format!("operator {name}: {}", role.name()));
        Ok(())
    }

    /// Takes an account away.
    pub(crate) async fn remove_operator(&mut self, name: &str) -> Result<(), Failure> {
        if !operator::delete_account(&mut self.change, name).await? {
            return Err(Refusal::NoOperator { name: name.to_owned() }.into());
        }
        self.note(format!("operator remove {name}"));
        Ok(())
    }

    /// Begins a session of so many seconds.
    pub(crate) async fn begin_session(
        &mut self,
        name: &str,
        lifetime_s: u64,
    ) -> Result<Session, Failure> {
        let name = name.to_owned();
        if operator::find_account(&mut self.change, &name).await?.is_none() {
            return Err(Refusal::NoOperator { name }.into());
        }
        let token = random::<TOKEN_LEN>()?;
        let expires_at = self.now.saturating_add(lifetime_s);
        let digest = Sha256::digest(token.as_slice()).into();
        operator::begin_session(&mut self.change, &digest, &name, expires_at).await?;
        self.note(format!("operator {name} signs in"));
        Ok(Session { token: Base64UrlUnpadded::encode_string(&*token).into(), expires_at })
    }

    /// Ends a session.
    pub(crate) async fn end_session(&mut self, token: &str) -> Result<(), Failure> {
        if let Some(digest) = digest(token) {
            operator::end_session(&mut self.change, &digest).await?;
        }
        Ok(())
    }

    /// Whose session a token is.
    pub(crate) async fn user(&mut self, token: &str) -> Result<Option<User>, Failure> {
        let Some(digest) = digest(token) else { return Ok(None) };
        let account = operator::session(&mut self.change, &digest, self.now).await?;
        let user =
            |account: Account| Some(User { role: Role::named(&account.role)?, name: account.name });
        Ok(account.and_then(user))
    }
}

fn digest(token: &str) -> Option<[u8; 32]> {
    let mut octets = Zeroizing::new([0; TOKEN_LEN]);
    let token = Base64UrlUnpadded::decode(token, octets.as_mut_slice()).ok()?;
    (token.len() == TOKEN_LEN).then(|| Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_its_accounts_and_no_other_is() {
        let password_hash = hash_password("correct horse battery").unwrap();
        assert!(password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let account = Account { name: "a".into(), role: "viewer".into(), password_hash };
        assert!(is_password(Some(&account), "correct horse battery"));
        assert!(!is_password(Some(&account), "correct horse batterY"));
        assert!(!is_password(None, "correct horse battery"));
    }

    #[test]
    fn a_password_is_no_pin_and_no_book() {
        assert!(hash_password("short").is_err() && hash_password(&"a".repeat(257)).is_err());
    }
}
