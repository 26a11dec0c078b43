//! Keys that their issuers made recognisable on purpose: the table.
//!
//! Given: nothing. Gives: one row per kind, with what is fixed at its beginning and how it goes on. Each is documented by its
//! issuer, or by the partner lists of secret scanning at GitHub and GitLab. Deliberately absent: keys without a mark of their
//! own (32 hex digits are as often a hash), and keys for tests alone (`sk_test_`).

/// The characters a key goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Hex,
    Upper,
    Alnum,
    Dash,
    Dots,
    Slash,
    Base64,
}

impl Set {
    pub fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            Self::Upper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Dash => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dots => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Slash => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-'),
        }
    }
}

/// One kind of key.
#[derive(Debug)]
pub(super) struct Token {
    /// What it is, with its article.
    pub kind: &'static str,
    /// How it begins.
    pub prefix: &'static str,
    /// What follows.
    pub set: Set,
    /// How many of them, at least and at most, in a key that is real.
    pub least: usize,
    pub most: usize,
    /// How many are enough to hide it from a message.
    pub loose: usize,
    /// True where a web page may carry it: it is restricted by where it is used from.
    pub public: bool,
    /// The part that must stand somewhere in what follows; empty for none.
    pub holds: &'static str,
}

const fn token(kind: &'static str, prefix: &'static str, set: Set, least: usize, most: usize) -> Token {
    let loose = if least < 16 || matches!(set, Set::Hex) { least } else { 16 };
    Token { kind, prefix, set, least, most, loose, public: false, holds: "" }
}

const fn loose(token: Token, loose: usize) -> Token {
    Token { loose, ..token }
}

const fn holds(token: Token, holds: &'static str) -> Token {
    Token { holds, ..token }
}

pub(super) const AWS: &str = "an AWS access key";
const GITHUB: &str = "a GitHub token";
const GITLAB: &str = "a GitLab token";
const SLACK: &str = "a Slack token";
const AI: &str = "an API key of an AI service";
const FLY: &str = "a Fly.io token";
const SHOPIFY: &str = "a Shopify token";
const OCEAN: &str = "a DigitalOcean token";

/// Every kind. An earlier row names a key before a later one does.
pub(super) static TOKENS: &[Token] = &[
    token(AWS, "AKIA", Set::Upper, 16, 16),
    token(AWS, "ASIA", Set::Upper, 16, 16),
    loose(token(GITHUB, "ghp_", Set::Alnum, 36, 255), 20),
    loose(token(GITHUB, "gho_", Set::Alnum, 36, 255), 20),
    loose(token(GITHUB, "ghu_", Set::Alnum, 36, 255), 20),
    loose(token(GITHUB, "ghs_", Set::Alnum, 36, 255), 20),
    loose(token(GITHUB, "ghr_", Set::Alnum, 36, 255), 20),
    loose(token(GITHUB, "github_pat_", Set::Dash, 60, 255), 20),
    token(GITLAB, "glpat-", Set::Dots, 20, 300),
    token(GITLAB, "gldt-", Set::Dash, 20, 64),
    token(GITLAB, "glrt-", Set::Dots, 20, 300),
    token(GITLAB, "glptt-", Set::Hex, 40, 40),
    loose(token("a Stripe key", "sk_live_", Set::Alnum, 24, 247), 8),
    loose(token("a Stripe key", "rk_live_", Set::Alnum, 24, 247), 8),
    token("a Stripe webhook secret", "whsec_", Set::Alnum, 32, 64),
    loose(token(SLACK, "xoxa-", Set::Dash, 24, 255), 8),
    loose(token(SLACK, "xoxb-", Set::Dash, 24, 255), 8),
    loose(token(SLACK, "xoxe-", Set::Dash, 24, 255), 8),
    loose(token(SLACK, "xoxp-", Set::Dash, 24, 255), 8),
    loose(token(SLACK, "xoxr-", Set::Dash, 24, 255), 8),
    loose(token(SLACK, "xoxs-", Set::Dash, 24, 255), 8),
    token(SLACK, "xapp-", Set::Dash, 60, 255),
    token("an address that posts to Slack", "hooks.slack.com/services/T", Set::Slash, 36, 80),
    token("an address that posts to Discord", "discord.com/api/webhooks/", Set::Slash, 78, 110),
    Token { public: true, ..loose(token("a Google API key", "AIza", Set::Dash, 35, 35), 30) },
    token("a Google client secret", "GOCSPX-", Set::Dash, 28, 28),
    loose(token("an npm token", "npm_", Set::Alnum, 36, 36), 30),
    token("a PyPI token", "pypi-AgE", Set::Dash, 70, 1000),
    holds(token("a SendGrid key", "SG.", Set::Dots, 66, 66), "."),
    token(AI, "sk-ant-", Set::Dash, 40, 255),
    token(AI, "sk-proj-", Set::Dash, 40, 255),
    token(AI, "sk-svcacct-", Set::Dash, 40, 255),
    token(AI, "sk-admin-", Set::Dash, 40, 255),
    token(AI, "sk-or-v1-", Set::Hex, 64, 64),
    holds(token(AI, "sk-", Set::Alnum, 48, 48), "T3BlbkFJ"),
    token(AI, "gsk_", Set::Alnum, 52, 52),
    token(AI, "xai-", Set::Alnum, 80, 80),
    token(AI, "pplx-", Set::Alnum, 48, 48),
    token(AI, "hf_", Set::Alnum, 34, 34),
    token(AI, "r8_", Set::Alnum, 37, 37),
    token(FLY, "fm1r_", Set::Base64, 80, 8000),
    token(FLY, "fm2_", Set::Base64, 80, 8000),
    token(FLY, "fo1_", Set::Dash, 40, 64),
    token("a Render key", "rnd_", Set::Alnum, 24, 64),
    token("a Netlify token", "nfp_", Set::Alnum, 36, 64),
    token("a Vercel token", "vcp_", Set::Alnum, 40, 120),
    token("a Vercel token", "vck_", Set::Alnum, 40, 120),
    token("a Vercel token", "vercel_blob_rw_", Set::Dash, 40, 80),
    token("a Twilio key", "SK", Set::Hex, 32, 32),
    token("the key of an Azure storage account", "AccountKey=", Set::Base64, 86, 86),
    token("an Azure access key", "SharedAccessKey=", Set::Base64, 43, 43),
    token(OCEAN, "dop_v1_", Set::Hex, 64, 64),
    token(OCEAN, "doo_v1_", Set::Hex, 64, 64),
    token(OCEAN, "dor_v1_", Set::Hex, 64, 64),
    token("a Heroku key", "HRKU-AA", Set::Dash, 58, 58),
    token("a Supabase token", "sbp_", Set::Hex, 40, 40),
    token("a Supabase secret key", "sb_secret_", Set::Dash, 31, 64),
    token(SHOPIFY, "shpat_", Set::Hex, 32, 32),
    token(SHOPIFY, "shpca_", Set::Hex, 32, 32),
    token(SHOPIFY, "shppa_", Set::Hex, 32, 32),
    token(SHOPIFY, "shpss_", Set::Hex, 32, 32),
    token("a Docker Hub token", "dckr_pat_", Set::Dash, 27, 27),
    token("a Docker Hub token", "dckr_oat_", Set::Dash, 32, 32),
    token("a Databricks token", "dapi", Set::Hex, 32, 32),
    token("a Vault token", "hvs.", Set::Dash, 90, 300),
    token("a Grafana token", "glsa_", Set::Dash, 41, 41),
    token("a New Relic key", "NRAK-", Set::Upper, 27, 27),
    token("a Sentry token", "sntryu_", Set::Hex, 64, 64),
    token("a Linear key", "lin_api_", Set::Alnum, 40, 40),
    token("a Notion token", "ntn_", Set::Alnum, 46, 46),
    token("a Postman key", "PMAK-", Set::Dash, 59, 59),
    token("a PlanetScale password", "pscale_pw_", Set::Dots, 43, 64),
    token("a PlanetScale token", "pscale_tkn_", Set::Dots, 43, 64),
    token("a Doppler token", "dp.pt.", Set::Alnum, 43, 43),
    token("a Figma token", "figd_", Set::Dash, 40, 64),
    token("an age key", "AGE-SECRET-KEY-1", Set::Upper, 58, 58),
    token("a RubyGems key", "rubygems_", Set::Hex, 48, 48),
];
