//! The closed catalogue of problems: every error that any answer of ours can carry, with its status and its
//! title in both languages. A code, once published, keeps its meaning. Adding one is adding a line here; the page
//! `/problems/{code}`, the OpenAPI enumeration and the list follow by themselves.

use http::StatusCode;

macro_rules! catalogue {
    ($($variant:ident = $code:literal, $status:ident, $en:literal, $ru:literal, $advice:literal;)+) => {
        /// One kind of problem, named for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $en] $variant,)+
        }

        impl ProblemCode {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, as it stands in `code` and at the end of `type`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The title in English.
            #[must_use]
            pub const fn title_en(self) -> &'static str {
                match self { $(Self::$variant => $en,)+ }
            }

            /// The title in Russian.
            #[must_use]
            pub const fn title_ru(self) -> &'static str {
                match self { $(Self::$variant => $ru,)+ }
            }

            /// What the caller can do about it, in English.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)+ }
            }
        }
    };
}

catalogue! {
    // The request itself.
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be understood", "Запрос непонятен",
        "Compare the request with the reference.";
    InvalidJson = "invalid_json", BAD_REQUEST, "The body is not valid JSON", "Тело запроса — не JSON",
        "Send one JSON value in UTF-8, nested no deeper than 127 levels.";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor is not one of ours", "Чужой или испорченный курсор",
        "Use next_cursor exactly as it was given, with the same filters, or begin again without a cursor.";
    IdempotencyKeyRequired = "idempotency_key_required", BAD_REQUEST, "An Idempotency-Key is required", "Нужен заголовок Idempotency-Key",
        "Send the header Idempotency-Key with 1 to 255 visible ASCII characters, new for each operation and the same for each retry of it.";
    InvalidIdempotencyKey = "invalid_idempotency_key", BAD_REQUEST, "The Idempotency-Key is malformed", "Неверный заголовок Idempotency-Key",
        "Send 1 to 255 visible ASCII characters, bare or as a quoted string.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Sign in first", "Нужно войти",
        "Send Authorization: Bearer with an access token or an integration key that is still valid.";
    SignInFailed = "sign_in_failed", UNAUTHORIZED, "The code or token is wrong or has expired", "Код или токен неверен либо устарел",
        "Ask for a new code or sign in again.";
    Forbidden = "forbidden", FORBIDDEN, "This caller may not do that", "На это нет прав",
        "Use a credential with the role or the scope that the operation names.";
    MemberBlocked = "member_blocked", FORBIDDEN, "The member is blocked", "Участник заблокирован",
        "Support can tell the reason and lift the block.";
    BusinessSuspended = "business_suspended", FORBIDDEN, "The business is suspended", "Партнёр приостановлен",
        "The operator of the programme can tell the reason.";
    NotFound = "not_found", NOT_FOUND, "There is no such thing", "Не найдено",
        "Check the address and the identifier; what belongs to another is answered the same way.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This address has no such method", "Такой метод здесь не поддерживается",
        "The header Allow lists the methods.";
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, "No acceptable representation", "Нет подходящего представления",
        "Accept application/json.";
    Conflict = "conflict", CONFLICT, "This does not fit the present state", "Не сочетается с текущим состоянием",
        "Read the present state and decide again.";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "Somebody changed it meanwhile", "Запись тем временем изменили",
        "Read it again and repeat the change with the new ETag.";
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "If-Match is required", "Нужен заголовок If-Match",
        "Send If-Match with the ETag of the version that you read.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large", "Слишком большое тело запроса",
        "Split the request; detail tells the limit.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "This media type is not supported", "Такой тип содержимого не поддерживается",
        "Send Content-Type: application/json unless the operation names another.";
    InvalidFields = "invalid_fields", UNPROCESSABLE_ENTITY, "Some fields are wrong", "Есть ошибки в полях",
        "errors lists every wrong field with a JSON Pointer, a code and a sentence.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used with another body", "Этот Idempotency-Key уже использован с другим телом",
        "Use a new key for a new operation.";
    IdempotencyInFlight = "idempotency_in_flight", CONFLICT, "The same operation is still running", "Эта операция ещё выполняется",
        "Wait a moment and repeat with the same key.";
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests", "Слишком много запросов",
        "Wait as many seconds as Retry-After says.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something broke on our side", "Ошибка на нашей стороне",
        "Repeat later; tell support the request_id.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer just now", "Сервис временно недоступен",
        "Repeat after as many seconds as Retry-After says.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "More requests wait than can be carried out", "Запросов больше, чем можно обработать",
        "Repeat with the same Idempotency-Key after as many seconds as Retry-After says.";
    TimedOut = "timed_out", SERVICE_UNAVAILABLE, "The answer took too long", "Ответ занял слишком много времени",
        "Repeat with the same Idempotency-Key: what was done is not done twice.";

    // Signing in.
    PhoneNotAccepted = "phone_not_accepted", CONFLICT, "Codes are not sent to this number", "На этот номер коды не отправляются",
        "Use a mobile number of a country that the programme serves.";
    PhoneTaken = "phone_taken", CONFLICT, "The phone belongs to another member", "Этот номер принадлежит другому участнику",
        "Sign in with that phone, or use another.";
    SamePhone = "same_phone", CONFLICT, "This is the phone that you have", "Это ваш нынешний номер",
        "Name another phone.";
    CodeAlreadySent = "code_already_sent", TOO_MANY_REQUESTS, "A code was sent a moment ago", "Код уже отправлен",
        "Wait as many seconds as Retry-After says before asking for another.";
    AccountLocked = "account_locked", TOO_MANY_REQUESTS, "Too many wrong codes", "Слишком много неверных кодов",
        "Wait as many seconds as Retry-After says.";
    StepUpRequired = "step_up_required", UNAUTHORIZED, "Sign in again for this", "Для этого нужно войти ещё раз",
        "Repeat the sign-in; this operation wants a recent one.";
    MfaRequired = "mfa_required", FORBIDDEN, "This role wants a second factor", "Для этой роли нужен второй фактор",
        "Sign in with a passkey, or with password and authenticator code; enrol one first if you have none.";
    ConsentRequired = "consent_required", CONFLICT, "Agree to the required texts first", "Сначала нужны обязательные согласия",
        "missing names them; GET /api/v1/auth/consents has the texts, PUT /api/v1/users/me/consents agrees.";
    ConsentTextChanged = "consent_text_changed", CONFLICT, "Another wording is in force", "Действует другая редакция текста",
        "Show the text of GET /api/v1/auth/consents and agree to its version.";
    EnrolmentCodeRequired = "enrolment_code_required", FORBIDDEN, "Enrolling wants the code that you were given", "Нужен выданный вам код подключения",
        "Sign in by phone together with the one-time code from owncircle operator code, sent as recovery_code.";
    FactorDoesNotFit = "factor_does_not_fit", CONFLICT, "The passkey's answer or the code does not fit", "Ответ ключа или код не подходит",
        "Begin the enrolment again; check the clock of the authenticator.";
    FactorAlreadyEnrolled = "factor_already_enrolled", CONFLICT, "This passkey is enrolled already", "Этот ключ уже подключён",
        "Sign in with it, or enrol another.";
    TooManyPasskeys = "too_many_passkeys", CONFLICT, "There are as many passkeys as there may be", "Слишком много ключей",
        "Remove one first.";
    LastFactor = "last_factor", CONFLICT, "Somebody with a role keeps a second factor", "Второй фактор нельзя удалить: он последний",
        "Enrol another factor first.";

    // Members, partners, staff.
    UnknownMember = "unknown_member", CONFLICT, "No such member", "Участник не найден",
        "Check the phone, card or code.";
    UnknownBusiness = "unknown_business", CONFLICT, "No such business", "Партнёр не найден",
        "Check the identifier.";
    UnknownLocation = "unknown_location", CONFLICT, "No such location of this business", "У партнёра нет такой точки",
        "Use a location of the business that posts.";
    UnknownStaff = "unknown_staff", CONFLICT, "No such member of staff here", "Такого сотрудника здесь нет",
        "Check who works at the business.";
    NameTaken = "name_taken", CONFLICT, "The name is taken", "Имя занято",
        "Choose another.";
    RoleAlreadyGiven = "role_already_given", CONFLICT, "The person already has a role here", "Роль уже выдана",
        "Take the present role first.";
    LastOwner = "last_owner", CONFLICT, "A business keeps at least one owner", "У партнёра должен остаться хотя бы один владелец",
        "Make another person an owner first.";
    TooManyLocations = "too_many_locations", CONFLICT, "The business has as many locations as it may have", "Слишком много точек",
        "Ask the operator of the programme.";
    TooManyKeys = "too_many_keys", CONFLICT, "The business has too many live keys", "Слишком много действующих ключей",
        "Revoke one first.";

    // Purchases and points.
    ReceiptAlreadyPosted = "receipt_already_posted", CONFLICT, "This receipt number is already posted", "Чек с таким номером уже проведён",
        "transaction_id names the purchase that has it.";
    TotalMismatch = "total_mismatch", CONFLICT, "The parts do not add up to the total", "Сумма частей не равна итогу",
        "Send lines or amounts whose sum is the total.";
    UnknownCategory = "unknown_category", CONFLICT, "No such category", "Неизвестная категория",
        "Use a category of the programme.";
    AmountOutOfRange = "amount_out_of_range", CONFLICT, "The amount is out of range", "Сумма вне допустимых пределов",
        "Check the amount: it is in hundredths.";
    NotEnoughPoints = "not_enough_points", CONFLICT, "Not enough points", "Недостаточно баллов",
        "available tells how many can be spent.";
    SpendingWaits = "spending_waits", CONFLICT, "Points are not spent for now", "Списание баллов временно приостановлено",
        "For a day after a change of the phone points are earned and not spent; until tells when that ends.";
    PointsShareExceeded = "points_share_exceeded", CONFLICT, "More points than this purchase may take", "Баллами можно оплатить меньшую часть",
        "max_points tells how many may be spent here.";
    ProofRequired = "proof_required", CONFLICT, "Spending needs the member's code", "Для списания нужен код участника",
        "Scan the member's rotating code or ask for the spoken code.";
    InvalidMemberCode = "invalid_member_code", CONFLICT, "The member's code is wrong, used or too old", "Код участника неверен, использован или устарел",
        "Scan the code again.";
    QuoteExpired = "quote_expired", CONFLICT, "The quote no longer holds", "Расчёт устарел",
        "Ask for a new quote.";
    MemberNotJoined = "member_not_joined", CONFLICT, "The member has not joined yet", "Участник ещё не вступил в программу",
        "The points wait until the person signs in for the first time.";
    OwnAccount = "own_account", CONFLICT, "Nobody credits the own account", "Начислить баллы самому себе нельзя",
        "Let a colleague post the purchase.";
    UnknownHold = "unknown_hold", CONFLICT, "No such hold of this member here", "Такого удержания у участника здесь нет",
        "Use a hold that this business made for this member.";
    HoldNotOpen = "hold_not_open", CONFLICT, "The hold is no longer open", "Удержание уже закрыто",
        "Make a new hold.";
    HoldReferenceUsed = "hold_reference_used", CONFLICT, "The reference already has a hold", "Удержание с такой ссылкой уже есть",
        "Use a new reference for a new hold.";
    CaptureExceedsHold = "capture_exceeds_hold", CONFLICT, "The capture is over the hold", "Списание больше удержанного",
        "Capture at most what was set aside.";
    RefundExceedsSale = "refund_exceeds_sale", CONFLICT, "The refund is over what is left of the sale", "Возврат больше остатка покупки",
        "refundable tells what is left.";
    UnknownLine = "unknown_line", CONFLICT, "No such line in the purchase", "В покупке нет такой позиции",
        "Use a line of the purchase.";
    AlreadyRefunded = "already_refunded", CONFLICT, "The purchase is already refunded in full", "Покупка уже полностью возвращена",
        "There is nothing left to give back.";
    VoidTooLate = "void_too_late", CONFLICT, "Only a purchase of the same day can be voided", "Отменить можно только сегодняшнюю покупку",
        "Refund it instead.";
    PostedInFuture = "posted_in_future", CONFLICT, "The purchase lies in the future", "Покупка из будущего",
        "Check the clock of the till.";
    TooOld = "too_old", CONFLICT, "The purchase is too old to be posted", "Покупка слишком старая",
        "Ask the operator for an import.";
    Overflow = "overflow", CONFLICT, "A number would not fit", "Число слишком велико",
        "Check the amounts.";
    TransferNotAllowed = "transfer_not_allowed", CONFLICT, "These points cannot be given away", "Эти баллы нельзя передать",
        "Check the rules of the programme.";
    SecondPersonRequired = "second_person_required", CONFLICT, "Another person has to approve", "Нужно подтверждение второго человека",
        "Nobody approves a request of their own.";
    AlreadyDecided = "already_decided", CONFLICT, "This was already decided", "Решение уже принято",
        "Read the present state.";
    InvalidRules = "invalid_rules", CONFLICT, "The rules contradict each other", "Правила противоречат друг другу",
        "errors or detail tell which.";
    TierInUse = "tier_in_use", CONFLICT, "Members are in a tier that would go", "В удаляемом уровне есть участники",
        "Keep every tier in which members are.";
    InvalidTiers = "invalid_tiers", CONFLICT, "The ladder is not a ladder", "Уровни заданы неверно",
        "Thresholds begin at zero and rise from level to level.";
    SettingLocked = "setting_locked", CONFLICT, "This setting can no longer change", "Эту настройку уже нельзя изменить",
        "Currency and time zone are fixed once purchases exist.";

    // Imports.
    UnreadableFile = "unreadable_file", CONFLICT, "The file cannot be read", "Файл не читается",
        "Send CSV or NDJSON in UTF-8 with the columns of the reference.";
    ImportRunning = "import_running", CONFLICT, "The same file is being imported", "Этот файл уже загружается",
        "Look at the progress of the running import.";
}

impl ProblemCode {
    /// The code with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// What stands in `type`: the registered name where there is one (the draft on RateLimit headers), our own page for
    /// the others.
    #[must_use]
    pub fn type_uri(self, public_url: &str) -> String {
        const REGISTERED: &str = "https://iana.org/assignments/http-problem-types";
        match self {
            Self::TooManyRequests => format!("{REGISTERED}#quota-exceeded"),
            Self::Overloaded => format!("{REGISTERED}#temporary-reduced-capacity"),
            own => format!("{public_url}/problems/{}", own.as_str()),
        }
    }

    /// The code for an answer that some library gave with a bare status.
    #[must_use]
    pub fn for_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::NOT_ACCEPTABLE => Self::NotAcceptable,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::PRECONDITION_FAILED => Self::PreconditionFailed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => Self::InvalidFields,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Self::Unavailable,
            status if status.is_server_error() => Self::Internal,
            _ => Self::BadRequest,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_errors_with_titles() {
        let mut seen = HashSet::new();
        for code in ProblemCode::ALL {
            assert!(seen.insert(code.as_str()), "{} stands twice", code.as_str());
            assert!(code.status().as_u16() >= 400);
            assert!(!code.title_en().is_empty() && !code.title_ru().is_empty());
            assert_eq!(ProblemCode::from_name(code.as_str()), Some(*code));
        }
        assert_eq!(ProblemCode::from_name("no_such_code"), None);
    }
}
