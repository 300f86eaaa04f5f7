//! What a person agrees to: each thing apart, advertising for each channel apart (152-FZ article 9, GDPR article 7).

use crate::names::named_values;

named_values! {
    /// What is agreed to.
    ConsentKind {
        /// The terms of the programme.
        Terms = "terms",
        /// The processing of personal data, a document of its own.
        PersonalData = "personal_data",
        /// Advertising by push message.
        MarketingPush = "marketing_push",
        /// Advertising by text message.
        MarketingSms = "marketing_sms",
        /// Advertising by e-mail.
        MarketingEmail = "marketing_email",
    }
}

impl ConsentKind {
    /// Whether nobody takes part without it.
    #[must_use]
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Terms | Self::PersonalData)
    }
}

named_values! {
    /// Where the person agreed or withdrew.
    ConsentChannel {
        /// While signing in.
        SignIn = "sign_in",
        /// In an app.
        App = "app",
        /// On a page.
        Web = "web",
    }
}
