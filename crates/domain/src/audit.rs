//! The words of the audit log: what can be done ([`Action`], a closed list), to what ([`ObjectKind`]), by whom
//! ([`ActorKind`]). The name of an action is for ever, because entries are never changed.

use crate::names::named_values;

/// Makes the list of actions: value, stable name, what people read in English and in Russian.
macro_rules! actions {
    ($($value:ident = $text:literal, $en:literal, $ru:literal;)*) => {
        named_values! {
            /// Something that was done and that the audit log keeps.
            Action { $(#[doc = $en] $value = $text,)* }
        }

        impl Action {
            /// What people read in English.
            #[must_use]
            pub const fn label_en(self) -> &'static str {
                match self {
                    $(Self::$value => $en,)*
                }
            }

            /// What people read in Russian.
            #[must_use]
            pub const fn label_ru(self) -> &'static str {
                match self {
                    $(Self::$value => $ru,)*
                }
            }
        }
    };
}

actions! {
    SettingsChange = "settings.change", "Settings of the programme changed", "Изменены настройки программы";
    LadderSet = "ladder.set", "Ladder of tiers set", "Задана лестница уровней";
    RuleAdd = "rule.add", "Earning rule added", "Добавлено правило начисления";
    RuleChange = "rule.change", "Earning rule changed", "Изменено правило начисления";
    BusinessAdd = "business.add", "Business added", "Добавлен бизнес";
    BusinessChange = "business.change", "Business changed", "Изменён бизнес";
    LocationAdd = "location.add", "Location added", "Добавлена точка";
    StaffGive = "staff.give", "Role at a business given", "Выдана роль в бизнесе";
    StaffTake = "staff.take", "Role at a business taken", "Снята роль в бизнесе";
    OperatorGrant = "operator.grant", "Operator role granted", "Выдана роль оператора";
    OperatorRevoke = "operator.revoke", "Operator role revoked", "Снята роль оператора";
    IntegrationKeyMake = "integration_key.make", "Integration key made", "Создан ключ интеграции";
    IntegrationKeyRevoke = "integration_key.revoke", "Integration key revoked", "Отозван ключ интеграции";
    SigningKeyAdd = "signing_key.add", "Signing key added", "Добавлен ключ подписи";
    SigningKeyRotate = "signing_key.rotate", "Signing keys rotated", "Сменён ключ подписи";
    SigningKeyRevoke = "signing_key.revoke", "Signing key revoked", "Отозван ключ подписи";
    SealingKeyRotate = "sealing_key.rotate", "Key of personal data rotated", "Сменён ключ личных данных";
    SessionStart = "session.start", "Signed in", "Выполнен вход";
    SessionEnd = "session.end", "Sign-in ended", "Завершён сеанс";
    SessionEndAll = "session.end_all", "All sign-ins of a person ended", "Завершены все сеансы человека";
    SessionReuse = "session.reuse", "Used refresh token shown again; sign-in ended", "Повторно предъявлен использованный токен; сеанс завершён";
    SignInLock = "sign_in.lock", "Sign-in locked after wrong codes", "Вход заблокирован после неверных кодов";
    SignInUnlock = "sign_in.unlock", "Sign-in unlocked", "Вход разблокирован";
    TestNumberUse = "sign_in.test_number", "Signed in with a test number", "Вход по тестовому номеру";
    CodeSendingStop = "codes.stop", "Sending of codes stopped", "Остановлена отправка кодов";
    CodeSendingResume = "codes.resume", "Sending of codes resumed", "Возобновлена отправка кодов";
    PhoneChange = "member.phone_change", "Phone changed", "Изменён телефон";
    EmailChange = "member.email_change", "E-mail changed", "Изменён адрес почты";
    ProfileChange = "member.profile_change", "Profile changed", "Изменён профиль";
    FactorAdd = "factor.add", "Second factor added", "Добавлен второй фактор";
    FactorRemove = "factor.remove", "Second factor removed", "Удалён второй фактор";
    FactorReset = "factor.reset", "Second factors reset", "Сброшены вторые факторы";
    FactorLock = "factor.lock", "Second factor locked after failures", "Второй фактор заблокирован после ошибок";
    PasskeyClone = "factor.clone", "Copied passkey refused", "Отклонена копия ключа доступа";
    RecoveryUse = "factor.recovery_use", "Recovery code used", "Использован код восстановления";
    RecoveryMake = "factor.recovery_make", "Recovery codes made", "Созданы коды восстановления";
    PasswordSet = "factor.password_set", "Password set", "Задан пароль";
    StepUp = "session.step_up", "Proved again who it is", "Повторно подтверждена личность";
    MemberSearch = "member.search", "Members searched", "Поиск участников";
    MemberView = "member.view", "Member viewed by an operator", "Оператор просмотрел участника";
    MemberBlock = "member.block", "Member blocked", "Участник заблокирован";
    MemberUnblock = "member.unblock", "Member unblocked", "Участник разблокирован";
    AdjustmentAsk = "adjustment.ask", "Adjustment asked for", "Запрошена корректировка";
    AdjustmentApprove = "adjustment.approve", "Adjustment approved", "Корректировка одобрена";
    AdjustmentReject = "adjustment.reject", "Adjustment rejected", "Корректировка отклонена";
    TransferMake = "transfer.make", "Points transferred", "Переведены баллы";
    FraudFlag = "fraud.flag", "Suspicious action noted", "Отмечено подозрительное действие";
    FraudReview = "fraud.review", "Suspicious action reviewed", "Подозрительное действие рассмотрено";
    ConsentGive = "consent.give", "Consent given", "Дано согласие";
    ConsentWithdraw = "consent.withdraw", "Consent withdrawn", "Согласие отозвано";
    PreferencesChange = "member.preferences_change", "Preferences changed", "Изменены предпочтения";
    DeviceAdd = "device.add", "Device registered", "Зарегистрировано устройство";
    DeviceRemove = "device.remove", "Device removed", "Удалено устройство";
    ExportAsk = "export.ask", "Export of personal data asked for", "Запрошена выгрузка личных данных";
    ExportFetch = "export.fetch", "Export of personal data fetched", "Получена выгрузка личных данных";
    ErasureAsk = "erasure.ask", "Erasure asked for", "Запрошено удаление данных";
    ErasureDone = "erasure.done", "Personal data erased", "Личные данные удалены";
    ImportStart = "import.start", "Import of purchases started", "Начат импорт покупок";
    PartitionsDetach = "partitions.detach", "Old months detached", "Отсоединены старые месяцы";
    JobRetry = "job.retry", "Failed job started again", "Задание запущено повторно";
    AuditRead = "audit.read", "Audit log read", "Прочитан журнал аудита";
}

named_values! {
    /// What an action was done to.
    ObjectKind {
        /// The programme itself.
        Programme = "programme",
        /// An earning rule.
        Rule = "rule",
        /// A business.
        Business = "business",
        /// An outlet.
        Location = "location",
        /// A member, by the pseudonymous identifier.
        Member = "member",
        /// An integration key.
        IntegrationKey = "integration_key",
        /// A key that signs tokens.
        SigningKey = "signing_key",
        /// A key that seals personal data.
        SealingKey = "sealing_key",
        /// A sign-in.
        Session = "session",
        /// A one-time code that was sent.
        Challenge = "challenge",
        /// A prefix or a country that codes are sent to.
        Destination = "destination",
        /// A passkey, a password or a generator of codes.
        Factor = "factor",
        /// A correction of a balance.
        Adjustment = "adjustment",
        /// Points on their way from member to member.
        Transfer = "transfer",
        /// A hold.
        Hold = "hold",
        /// A purchase.
        Purchase = "purchase",
        /// A consent.
        Consent = "consent",
        /// A device that gets notifications.
        Device = "device",
        /// A request to export personal data.
        Export = "export",
        /// A request to erase personal data.
        Erasure = "erasure",
        /// A file of purchases.
        Import = "import",
        /// A partition of a table.
        Partition = "partition",
        /// A job of the queue.
        Job = "job",
        /// The audit log.
        AuditLog = "audit_log",
    }
}

named_values! {
    /// Who does something.
    ActorKind {
        /// A signed-in person.
        Person = "person",
        /// A till or a CRM with its integration key.
        Key = "key",
        /// A request that shows no valid credential.
        Anonymous = "anonymous",
        /// Somebody at the machine, with a command of the program.
        Command = "command",
        /// The service by itself: its start and its jobs.
        System = "system",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_name_and_labels_of_its_own() {
        let is_name = |text: &str| {
            let parts: Vec<&str> = text.split('.').collect();
            parts.len() == 2
                && parts.iter().all(|part| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                })
        };
        for of in [Action::as_str, Action::label_en, Action::label_ru] {
            let distinct: BTreeSet<&str> = Action::ALL.iter().map(|action| of(*action)).collect();
            assert_eq!(distinct.len(), Action::ALL.len());
        }
        for action in Action::ALL {
            assert!(is_name(action.as_str()), "{action}");
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert!(action.label_en().is_ascii(), "{action}");
            assert!(!action.label_ru().is_ascii(), "{action}");
        }
    }
}
