"""Where each column of RockRMS goes: into which field of which record, into a rule, or nowhere and why.

docs/mapping.md is generated from here and from the schema's own list of columns; a core column that is missing here,
and a column here that Rock does not have, fail that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Moved(NamedTuple):
    """Becomes a field (`person.email`), with the rule's number in docs/rockrms-rules.md."""

    field: str
    rule: str


class Used(NamedTuple):
    """Decides something and is not sent itself."""

    what: str
    rule: str


class Left(NamedTuple):
    """Is not read, and why."""

    why: str


Fate = Moved | Used | Left

_NO_FIELD = "Mission's record has no field for it"

COLUMNS: Final[Mapping[str, Mapping[str, Fate]]] = {
    "Person": {
        "Id": Moved("person.external_id", "I1"),
        "RecordTypeValueId": Moved("person.kind", "P3"),
        "RecordStatusValueId": Moved("person.record_status", "P9"),
        "RecordStatusReasonValueId": Moved("person.inactive_reason", "P9"),
        "ConnectionStatusValueId": Moved("person.connection_status", "P9"),
        "IsDeceased": Moved("person.is_deceased", "P9"),
        "TitleValueId": Moved("person.title", "P9"),
        "FirstName": Moved("person.first_name", "P6"),
        "NickName": Moved("person.nick_name", "P6"),
        "MiddleName": Moved("person.middle_name", "P6"),
        "LastName": Moved("person.last_name", "P6"),
        "SuffixValueId": Moved("person.suffix", "P9"),
        "BirthDay": Moved("person.birth_day, person.birth_date", "P8"),
        "BirthMonth": Moved("person.birth_month, person.birth_date", "P8"),
        "BirthYear": Moved("person.birth_year, person.birth_date", "P8"),
        "BirthDate": Left("Derived from the three parts, and in year 1 where the year is unknown: the parts are read"),
        "Gender": Moved("person.gender", "P9"),
        "MaritalStatusValueId": Moved("person.marital_status", "P9"),
        "AnniversaryDate": Left(_NO_FIELD),
        "GivingGroupId": Moved("person.giving_unit, contribution.giving_unit", "P14"),
        "GivingId": Moved("person.giving_unit, contribution.giving_unit", "P14"),
        "Email": Moved("person.email", "P7"),
        "IsEmailActive": Moved("person.email_is_active", "P9"),
        "EmailPreference": Moved("person.email_preference", "P9"),
        "PrimaryFamilyId": Moved("person.primary_family, family.members[].is_primary", "P11"),
        "PrimaryCampusId": Moved("person.campus", "P13"),
        "CreatedDateTime": Moved("person.created_at", "P9"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
        "Guid": Used("names Rock's stand-ins for anonymous people", "A2"),
    },
    "PersonAlias": {
        "Id": Used("what every *PersonAliasId column points at", "A1"),
        "PersonId": Used("the person whom an alias means now", "A1"),
        "AliasPersonId": Moved("person.former_external_ids", "A4"),
        "Guid": Used("the install, where Rock does not name itself", "I2"),
    },
    "PhoneNumber": {
        "Id": Moved("person.phones[].external_id", "P10"),
        "PersonId": Used("whose phone it is", "A1"),
        "CountryCode": Moved("person.phones[].country_code", "P10"),
        "Number": Moved("person.phones[].number", "P10"),
        "NumberFormatted": Left("Derived from Number"),
        "Extension": Moved("person.phones[].extension", "P10"),
        "NumberTypeValueId": Moved("person.phones[].type", "P10"),
        "IsMessagingEnabled": Moved("person.phones[].messaging_enabled", "P10"),
        "IsMessagingOptedOut": Moved("person.phones[].messaging_enabled", "P10"),
        "IsUnlisted": Moved("person.phones[].is_unlisted", "P10"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "Group": {
        "Id": Moved("family.external_id, group.external_id", "I1"),
        "ParentGroupId": Moved("group.parent_external_id", "R3"),
        "GroupTypeId": Moved("group.type; families are told from groups by it", "G1, R1"),
        "CampusId": Moved("family.campus, group.campus", "G6, R6"),
        "ScheduleId": Left("Mission's group has no schedule; an attendance carries that of its occurrence"),
        "Name": Moved("family.name, group.name", "G6, R6"),
        "Description": Moved("group.description", "R6"),
        "IsSecurityRole": Used("security roles are no groups", "R1"),
        "IsActive": Moved("group.status", "R2"),
        "IsPublic": Left(_NO_FIELD),
        "GroupCapacity": Left(_NO_FIELD),
        "IsArchived": Moved("group.status; archived families are not moved", "R2, G2"),
        "Guid": Used("names the Anonymous Family", "G3"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "GroupType": {
        "Id": Used("the type of a group", "R1"),
        "Name": Moved("group.type", "R6"),
        "ShowInGroupList": Left("A hint for Rock's screens; which types are groups is decided by their Guid"),
        "TakesAttendance": Left("Attendance is moved wherever it was taken"),
        "GroupTypePurposeValueId": Left("Marks check-in areas and serving teams, which are groups like others"),
        "Guid": Used("tells families and types that are no groups", "G1, R1"),
    },
    "GroupTypeRole": {
        "Id": Used("the role of a member", "G4, R5"),
        "GroupTypeId": Used("finds the roles of families", "G4"),
        "Name": Moved("group.members[].role", "R5"),
        "IsLeader": Moved("group.members[].is_leader", "R5"),
        "Guid": Moved("family.members[].role", "G4"),
    },
    "GroupMember": {
        "Id": Moved("group.members[].external_id", "I1"),
        "GroupId": Used("whose member it is", "G3, R4"),
        "PersonId": Moved("family.members[].external_person_id, group.members[].external_person_id", "A1"),
        "GroupRoleId": Moved("family.members[].role, group.members[].role", "G4, R5"),
        "GroupMemberStatus": Moved("group.members[].status; Inactive ones are no members of a family", "R4, G3"),
        "DateTimeAdded": Moved("group.members[].joined_at", "R5"),
        "GroupOrder": Used("the primary family where none is stored", "P11"),
        "IsArchived": Used("archived memberships are not moved", "G3, R4"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "GroupLocation": {
        "Id": Used("the newest of several home addresses", "G7"),
        "GroupId": Used("whose address it is", "G7"),
        "LocationId": Used("the address itself", "G7"),
        "GroupLocationTypeValueId": Used("only home addresses are moved", "G7"),
        "IsMailingLocation": Used("chooses among home addresses", "G7"),
        "IsMappedLocation": Used("chooses among home addresses", "G7"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "Location": {
        "Id": Used("the place of an address or an occurrence", "G7, T7"),
        "Name": Moved("attendance.location", "T7"),
        "Street1": Moved("family.address.street1", "G7"),
        "Street2": Moved("family.address.street2", "G7"),
        "City": Moved("family.address.city", "G7"),
        "State": Moved("family.address.state", "G7"),
        "Country": Moved("family.address.country", "G7"),
        "PostalCode": Moved("family.address.postal_code", "G7"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "Campus": {
        "Id": Moved("*.campus.external_id", "I7"),
        "Guid": Used("read with the campuses; a campus is named by its Id, as every other row", "I7"),
        "Name": Moved("*.campus.name", "I7"),
        "IsActive": Used("shown where the filter's campuses are chosen; closed ones count like others", "I7"),
    },
    "DefinedType": {
        "Id": Used("the type of a value", "P3"),
        "Guid": Used("tells record types and transaction types", "P3, F1"),
    },
    "DefinedValue": {
        "Id": Used("what every *ValueId column points at", "P9"),
        "DefinedTypeId": Used("the type of a value", "P3"),
        "Value": Moved("the label in person.title, person.suffix, contribution.payment_method ...", "P9, F8"),
        "Guid": Used("tells well-known values, whatever their label", "P3, P9, P10, F1"),
    },
    "EntityType": {
        "Id": Used("finds the categories of prayer requests", "Y5"),
        "Name": Used("finds Rock's version in AssemblyName", "I5"),
        "AssemblyName": Used("Rock's version, for the report", "I5"),
        "Guid": Used("finds the categories of prayer requests", "Y5"),
    },
    "Category": {
        "Id": Used("the category of a request", "Y5"),
        "ParentCategoryId": Left("Mission's request has one category, without its tree"),
        "EntityTypeId": Used("only categories of prayer requests count", "Y5"),
        "Name": Moved("prayer-request.category", "Y5"),
    },
    "Schedule": {
        "Id": Used("the schedule of an occurrence", "T7"),
        "Name": Moved("attendance.schedule", "T7"),
    },
    "FinancialTransaction": {
        "Id": Moved("contribution.transaction_external_id", "F8"),
        "AuthorizedPersonAliasId": Moved("contribution.external_person_id, contribution.person_missing", "F7"),
        "ShowAsAnonymous": Moved("contribution.notes (show-as-anonymous)", "F11"),
        "BatchId": Moved("contribution.batch", "F9"),
        "FinancialPaymentDetailId": Moved("contribution.payment_method", "F8"),
        "TransactionDateTime": Moved("contribution.gift_date", "F3"),
        "FutureProcessingDateTime": Used("gifts that are not yet charged are out of scope", "F1"),
        "TransactionCode": Left(f"The gateway's code or a check number: {_NO_FIELD}"),
        "Summary": Left("Free text that may be confidential; the report names notes as not moved"),
        "TransactionTypeValueId": Moved("contribution.transaction_type", "F1, F8"),
        "SourceTypeValueId": Moved("contribution.payment_source", "F8"),
        "Status": Used("failed ones are out of scope", "F2"),
        "ForeignCurrencyCodeValueId": Moved("contribution.is_foreign_currency", "F6"),
        "CreatedDateTime": Moved("contribution.gift_date, where there is no other", "F3"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "FinancialTransactionDetail": {
        "Id": Moved("contribution.external_id", "I1"),
        "TransactionId": Moved("contribution.transaction_external_id", "F8"),
        "AccountId": Moved("contribution.fund_external_id", "F5"),
        "Amount": Moved("contribution.amount, contribution.class", "F4, F6"),
        "CreatedDateTime": Moved("contribution.gift_date, where there is no other", "F3"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "FinancialTransactionRefund": {
        "Id": Moved("contribution.class (refund)", "F4"),
        "OriginalTransactionId": Moved("contribution.refund_of", "F4"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "FinancialBatch": {
        "Id": Moved("contribution.batch.external_id", "F9"),
        "Name": Moved("contribution.batch.name", "F9"),
        "BatchStartDateTime": Moved("contribution.gift_date, where the transaction has none", "F3"),
        "Status": Left("Whether Rock's bookkeepers closed it; its gifts count all the same"),
        "CampusId": Moved("contribution.campus, where the account has none", "F10"),
        "ControlAmount": Left("Typed by hand: the report says where it is not the sum of the lines"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "FinancialAccount": {
        "Id": Used("the fund of a line", "F5"),
        "ParentAccountId": Moved("fund.parent", "F5"),
        "CampusId": Moved("contribution.campus", "F10"),
        "Name": Moved("fund.name", "F5"),
        "PublicName": Used("read with the accounts; Mission's fund has one name, and that is Name", "F5"),
        "IsTaxDeductible": Left(_NO_FIELD),
        "GlCode": Left(_NO_FIELD),
        "IsActive": Moved("fund.is_active", "F5"),
        "Guid": Moved("contribution.fund_external_id, fund.external_id", "F5"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "FinancialPaymentDetail": {
        "Id": Used("how a gift was paid", "F8"),
        "CurrencyTypeValueId": Moved("contribution.payment_method", "F8"),
        "CreditCardTypeValueId": Left(_NO_FIELD),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "AttendanceOccurrence": {
        "Id": Moved("attendance.occurrence_external_id", "T4"),
        "GroupId": Moved("attendance.group_external_id", "T3, T7"),
        "LocationId": Moved("attendance.location", "T3, T7"),
        "ScheduleId": Moved("attendance.schedule", "T3, T7"),
        "OccurrenceDate": Moved("attendance.date", "T3"),
        "DidNotOccur": Used("what did not take place is out of scope", "T1"),
        "AnonymousAttendanceCount": Left("Heads without persons; the report says how many (rule T9)"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "Attendance": {
        "Id": Moved("attendance.external_id", "I1"),
        "OccurrenceId": Moved("attendance.occurrence_external_id", "T4"),
        "PersonAliasId": Moved("attendance.external_person_id", "A1"),
        "CampusId": Moved("attendance.campus", "T8"),
        "StartDateTime": Moved("attendance.started_at; attendance.date before v8", "T2, T7"),
        "DidAttend": Used("only those who attended are in scope", "T1"),
        "IsFirstTime": Moved("attendance.first_time", "T7"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
    "PrayerRequest": {
        "Id": Moved("prayer-request.external_id", "I1"),
        "FirstName": Moved("prayer-request.first_name", "Y3"),
        "LastName": Moved("prayer-request.last_name", "Y3"),
        "Email": Moved("prayer-request.email", "Y3"),
        "RequestedByPersonAliasId": Moved("prayer-request.external_person_id", "Y4"),
        "CategoryId": Moved("prayer-request.category", "Y5"),
        "Text": Moved("prayer-request.text", "Y3"),
        "Answer": Moved("prayer-request.answer", "Y3"),
        "EnteredDateTime": Moved("prayer-request.entered_at", "Y5"),
        "ExpirationDate": Moved("prayer-request.expires_on", "Y5"),
        "IsUrgent": Moved("prayer-request.is_urgent", "Y2"),
        "IsPublic": Moved("prayer-request.is_public", "Y2"),
        "IsActive": Moved("prayer-request.is_active", "Y2"),
        "IsApproved": Moved("prayer-request.is_approved", "Y2"),
        "AllowComments": Moved("prayer-request.allow_comments", "Y2"),
        "FlagCount": Left("How often readers reported it in Rock; what was approved there stays approved"),
        "PrayerCount": Moved("prayer-request.prayer_count", "Y2"),
        "CampusId": Moved("prayer-request.campus", "Y5"),
        "GroupId": Moved("prayer-request.group_external_id", "Y5"),
        "ModifiedDateTime": Used("finds rows that changed during an import", "X2"),
    },
}

OLD_ATTENDANCE: Final[Mapping[str, Fate]] = {
    "GroupId": Moved("attendance.group_external_id", "T2, T7"),
    "LocationId": Moved("attendance.location", "T2, T7"),
    "ScheduleId": Moved("attendance.schedule", "T2, T7"),
    "DidNotOccur": Used("what did not take place is out of scope", "T1"),
}
"""Columns of Attendance that only a database before v8, or in the middle of that upgrade, has."""
