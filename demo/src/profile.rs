//! What users say about themselves, and how the pages look to them.

use carryall::SegmentData;
use serde::{Deserialize, Serialize};

/// A user's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) town: String,
    pub(crate) colour: Colour,
    pub(crate) scheme: Scheme,
}

impl SegmentData for Profile {
    const NAME: &'static str = "profile";
}

/// The colour of links and buttons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Colour {
    #[default]
    Pine,
    Sea,
    Plum,
    Clay,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scheme {
    #[default]
    Device,
    Light,
    Dark,
}

impl Colour {
    pub(crate) const ALL: [Self; 4] = [Self::Pine, Self::Sea, Self::Plum, Self::Clay];

    /// Its name in forms and in the stylesheet.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pine => "pine",
            Self::Sea => "sea",
            Self::Plum => "plum",
            Self::Clay => "clay",
        }
    }
}

impl Scheme {
    pub(crate) const ALL: [Self; 3] = [Self::Device, Self::Light, Self::Dark];

    /// Its name in forms and in the stylesheet.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}
