//! Signed tokens as other software makes and reads them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryall::key::{SigningKey, SigningKeys};
use carryall::random::{Random as _, SystemRandom};

/// Holds the same HS256 secret as the application.
#[derive(Debug)]
pub struct Jwt {
    secret: [u8; 32],
}

impl Default for Jwt {
    fn default() -> Self {
        let mut secret = [0; 32];
        SystemRandom.secret(&mut secret).unwrap();
        Self { secret }
    }
}

impl Jwt {
    pub fn keys(&self) -> SigningKeys {
        SigningKeys::new(SigningKey::hs256(&self.secret).unwrap())
    }

    /// The claims as they stand in the token.
    pub fn claims(token: &str) -> String {
        let claims = token.split('.').nth(1).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }

    /// The token with a part of its claims replaced, signed anew.
    pub fn replace(&self, token: &str, part: &str, by: impl FnOnce(&str) -> String) -> String {
        let claims = Self::claims(token);
        assert!(claims.contains(part), "{part} is not in {claims}");
        let claims = claims.replacen(part, &by(part), 1);
        let signed = format!("{}.{}", token.split('.').next().unwrap(), URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}
