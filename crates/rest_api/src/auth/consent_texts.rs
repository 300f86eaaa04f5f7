//! GET /auth/consents: the texts to agree to, before anybody signs in.

use axum::Json;
use axum::extract::State;
use domain::consents::ConsentKind;
use serde::Serialize;
use services::context::Context;
use services::members::consent_texts;
use utoipa::ToSchema;

use crate::problem::ApiResult;
use crate::wire;

/// A text to agree to.
#[derive(Serialize, ToSchema)]
pub struct ConsentText {
    /// What it is about.
    #[schema(value_type = wire::ConsentKind)]
    pub kind: ConsentKind,
    /// From 1 on; agree to this one.
    #[schema(minimum = 1, maximum = 1_000_000, example = 1)]
    pub version: i32,
    /// Whether nobody takes part without it.
    pub required: bool,
    /// SHA-256 of both texts in UTF-8, the Russian one first, a line feed between them.
    #[schema(
        max_length = 64,
        pattern = "^[0-9a-f]{64}$",
        example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )]
    pub sha256: String,
    /// Title in Russian.
    #[schema(max_length = 200, example = "Правила программы")]
    pub title_ru: String,
    /// Title in English.
    #[schema(max_length = 200, example = "Terms of the programme")]
    pub title_en: String,
    /// The text in Russian.
    #[schema(
        max_length = 100_000,
        example = "Я принимаю правила программы лояльности."
    )]
    pub body_ru: String,
    /// The text in English.
    #[schema(
        max_length = 100_000,
        example = "I accept the terms of the loyalty programme."
    )]
    pub body_en: String,
}

/// The texts in force.
#[derive(Serialize, ToSchema)]
pub struct ConsentTexts {
    /// One of each kind.
    #[schema(max_items = 100)]
    pub items: Vec<ConsentText>,
}

/// Texts to agree to
///
/// The terms, the consent to the processing of personal data, and advertising for each channel, each apart. Agree while signing in
/// or later; advertising is never required.
#[utoipa::path(
    get, path = "/auth/consents", operation_id = "auth_get_consent_texts", tag = "auth",
    responses((status = 200, description = "The texts", body = ConsentTexts)),
)]
pub async fn texts(State(ctx): State<Context>) -> ApiResult<Json<ConsentTexts>> {
    let texts = consent_texts(&ctx).await?;
    let items = texts
        .into_iter()
        .map(|text| ConsentText {
            kind: text.kind,
            version: text.version,
            required: text.kind.is_required(),
            sha256: wire::hex(&text.sha256),
            title_ru: text.title_ru,
            title_en: text.title_en,
            body_ru: text.body_ru,
            body_en: text.body_en,
        })
        .collect();
    Ok(Json(ConsentTexts { items }))
}
