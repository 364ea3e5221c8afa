//! What a derived key is for.

/// The purpose of a derived key. A key for one is never used for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Encrypts sealed cookies.
    Seal,
    /// Signs tokens with HS256.
    SignHs256,
    /// Signs tokens with HS384.
    SignHs384,
    /// Signs tokens with HS512.
    SignHs512,
    /// Signs tokens with Ed25519; the subkey is the seed.
    SignEdDsa,
    /// Authenticates tickets.
    Ticket,
    /// Makes CSRF tokens.
    Csrf,
    /// Hashes what was seen of a client.
    Fingerprint,
    /// Encrypts records at rest.
    Rest,
}

impl Purpose {
    /// The label in HKDF's `info`. Released labels never change.
    pub(super) const fn label(self) -> &'static [u8] {
        match self {
            Self::Seal => b"seal",
            Self::SignHs256 => b"sign-hs256",
            Self::SignHs384 => b"sign-hs384",
            Self::SignHs512 => b"sign-hs512",
            Self::SignEdDsa => b"sign-eddsa",
            Self::Ticket => b"ticket",
            Self::Csrf => b"csrf",
            Self::Fingerprint => b"fingerprint",
            Self::Rest => b"rest",
        }
    }

    #[cfg(test)]
    pub(super) const ALL: [Self; 9] = [
        Self::Seal,
        Self::SignHs256,
        Self::SignHs384,
        Self::SignHs512,
        Self::SignEdDsa,
        Self::Ticket,
        Self::Csrf,
        Self::Fingerprint,
        Self::Rest,
    ];
}
