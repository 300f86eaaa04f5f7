//! States of members and businesses, languages, what one-time codes are for, who delivers push messages.

use crate::names::named_values;

named_values! {
    /// How a member stands to the programme.
    MemberStatus {
        /// Known by a phone or a customer number; earns, and has not joined yet.
        Waiting = "waiting",
        /// Has joined.
        Active = "active",
        /// May neither sign in nor earn nor spend.
        Blocked = "blocked",
        /// The person is gone; the points' history stays.
        Erased = "erased",
    }
}

named_values! {
    /// A language of the programme.
    Locale {
        /// Russian.
        Ru = "ru",
        /// English.
        En = "en",
    }
}

named_values! {
    /// How a business stands to the programme.
    BusinessStatus {
        /// Being set up; not in the catalogue.
        Draft = "draft",
        /// Takes part.
        Active = "active",
        /// Stopped by the operator.
        Suspended = "suspended",
    }
}

named_values! {
    /// What a one-time code is for; a code for one thing is worth nothing for another.
    CodePurpose {
        /// Signing in.
        SignIn = "sign_in",
        /// Changing the phone.
        ChangePhone = "change_phone",
    }
}

named_values! {
    /// Who delivers a push message to a device.
    PushProvider {
        /// Firebase Cloud Messaging.
        Fcm = "fcm",
        /// Apple Push Notification service.
        Apns = "apns",
        /// A browser (Web Push).
        WebPush = "web_push",
    }
}

named_values! {
    /// What a one-time code for coming back is.
    RecoveryCodeKind {
        /// Made by the person for bad days.
        Recovery = "recovery",
        /// Given to the person so that factors can be enrolled.
        Enrolment = "enrolment",
    }
}
