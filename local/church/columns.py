"""Which column of which table says what of a church's objects; columns that are not here keep their defaults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from local.church.left_behind import CONFIDENTIAL
from local.church.model import Attendance, Member, Model, Person
from local.church.shapes import Shape

type Getter = Callable[[Model, Any], object]


def _id(thing: Any) -> int | None:
    return None if thing is None else int(thing.id)


def _stamps(table: str) -> dict[str, Getter]:
    return {
        "Guid": lambda m, x: m.guid(table, x.id),
        "CreatedDateTime": lambda m, x: x.created,
        "ModifiedDateTime": lambda m, x: x.modified,
    }


def rock_version(model: Model) -> str:
    """Result: the version of Rock's assemblies, as its entity types name them."""
    return {Shape.V7: "1.7.4.0", Shape.V8_MIXED: "1.8.2.0", Shape.CURRENT: "1.17.0.34"}[model.shape]


def _birth_date(model: Model, person: Person) -> date | None:
    """What Rock derives: year 1 without a year (v11 on, and computed before v9), NULL for an impossible day."""
    if person.birth_month is None or person.birth_day is None:
        return None
    if person.birth_year is None and model.shape is Shape.V8_MIXED:
        return None
    try:
        return date(person.birth_year or 1, person.birth_month, person.birth_day)
    except ValueError:
        return None


def giving_id(person: Person) -> str:
    """Result: what Rock computes as GivingId."""
    return f"P{person.id}" if person.giving_group is None else f"G{person.giving_group.id}"


def _stored_giving_id(model: Model, person: Person) -> str | None:
    is_computed_column = model.shape is not Shape.CURRENT
    if person.stale_giving_id is not None and not is_computed_column:
        return person.stale_giving_id
    return giving_id(person) if person.giving_id_stored or is_computed_column else None


def _defined_type_id(model: Model, type_guid: str) -> int:
    return model.defined_types[type_guid]


def _old(getter: Callable[[Attendance], object]) -> Getter:
    """A column of the old layout of attendance: kept on migrated rows too, until the upgrade drops it."""

    def get(model: Model, row: Attendance) -> object:
        is_kept = row.in_old_layout or row.id % 2 == 0
        return getter(row) if is_kept else None

    return get


def _occurrence_id(model: Model, row: Attendance) -> int:
    return 1 if row.in_old_layout else row.occurrence.id


def _sunday(day: date | None) -> date:
    if day is None or day.toordinal() % 41 == 0:
        return date(1753, 1, 1)
    return date.fromordinal(day.toordinal() + (7 - day.isoweekday()) % 7)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _member_type(model: Model, member: Member) -> int:
    return member.group.type.id


COLUMNS: dict[str, dict[str, Getter]] = {
    "Person": {
        "Id": lambda m, x: x.id,
        "IsSystem": lambda m, x: x.is_system,
        "RecordTypeValueId": lambda m, x: _id(x.record_type),
        "RecordStatusValueId": lambda m, x: _id(x.status),
        "RecordStatusReasonValueId": lambda m, x: _id(x.reason),
        "ConnectionStatusValueId": lambda m, x: _id(x.connection),
        "IsDeceased": lambda m, x: x.is_deceased,
        "TitleValueId": lambda m, x: _id(x.title),
        "FirstName": lambda m, x: x.first,
        "NickName": lambda m, x: x.nick,
        "MiddleName": lambda m, x: x.middle,
        "LastName": lambda m, x: x.last,
        "SuffixValueId": lambda m, x: _id(x.suffix),
        "PhotoId": lambda m, x: x.id if x.id % 9 == 0 else None,
        "BirthDay": lambda m, x: x.birth_day,
        "BirthMonth": lambda m, x: x.birth_month,
        "BirthYear": lambda m, x: x.birth_year,
        "BirthDate": _birth_date,
        "Gender": lambda m, x: x.gender,
        "MaritalStatusValueId": lambda m, x: _id(x.marital),
        "AnniversaryDate": lambda m, x: x.anniversary,
        "GivingGroupId": lambda m, x: _id(x.giving_group),
        "GivingId": _stored_giving_id,
        "GivingLeaderId": lambda m, x: x.id,
        "Email": lambda m, x: x.email,
        "IsEmailActive": lambda m, x: x.email_active,
        "EmailPreference": lambda m, x: x.email_preference,
        "PrimaryFamilyId": lambda m, x: _id(x.primary_family),
        "PrimaryCampusId": lambda m, x: _id(x.primary_campus),
        "PrimaryAliasId": lambda m, x: next((a.id for a in x.aliases if a.former_id == x.id), None),
        "SystemNote": lambda m, x: CONFIDENTIAL if x.id % 17 == 0 else None,
        "ForeignKey": lambda m, x: x.foreign_key,
        "ForeignId": lambda m, x: x.id * 7 if x.foreign_key else None,
        **_stamps("Person"),
        "Guid": lambda m, x: x.guid,
    },
    "PersonAlias": {
        "Id": lambda m, x: x.id,
        "PersonId": lambda m, x: x.ghost_id if x.person is None else x.person.id,
        "AliasPersonId": lambda m, x: x.former_id,
        "AliasPersonGuid": lambda m, x: x.former_guid,
        "LastVisitDateTime": lambda m, x: x.visited,
        "Guid": lambda m, x: x.guid,
    },
    "PhoneNumber": {
        "Id": lambda m, x: x[1].id,
        "PersonId": lambda m, x: x[0].id,
        "CountryCode": lambda m, x: x[1].country_code,
        "Number": lambda m, x: x[1].number,
        "NumberFormatted": lambda m, x: f"({x[1].number[:3]}) {x[1].number[3:6]}-{x[1].number[6:]}",
        "Extension": lambda m, x: x[1].extension,
        "NumberTypeValueId": lambda m, x: _id(x[1].kind),
        "IsMessagingEnabled": lambda m, x: x[1].messaging,
        "IsUnlisted": lambda m, x: x[1].unlisted,
        "IsMessagingOptedOut": lambda m, x: x[1].opted_out,
        "FullNumber": lambda m, x: f"{x[1].country_code or ''}{x[1].number}",
        "Guid": lambda m, x: m.guid("PhoneNumber", x[1].id),
        "CreatedDateTime": lambda m, x: x[0].created,
        "ModifiedDateTime": lambda m, x: x[1].modified or x[0].created,
    },
    "GroupType": {
        "Id": lambda m, x: x.id,
        "Name": lambda m, x: x.name,
        "GroupTerm": lambda m, x: "Group",
        "GroupMemberTerm": lambda m, x: "Member",
        "ShowInGroupList": lambda m, x: x.in_list,
        "TakesAttendance": lambda m, x: x.takes_attendance,
        "Guid": lambda m, x: x.guid,
    },
    "GroupTypeRole": {
        "Id": lambda m, x: x[1].id,
        "GroupTypeId": lambda m, x: x[0].id,
        "Name": lambda m, x: x[1].name,
        "IsLeader": lambda m, x: x[1].is_leader,
        "Guid": lambda m, x: x[1].guid,
    },
    "Group": {
        "Id": lambda m, x: x.id,
        "IsSystem": lambda m, x: x.is_system,
        "ParentGroupId": lambda m, x: _id(x.parent),
        "GroupTypeId": lambda m, x: x.type.id,
        "CampusId": lambda m, x: _id(x.campus),
        "ScheduleId": lambda m, x: _id(x.schedule),
        "Name": lambda m, x: x.name,
        "Description": lambda m, x: x.description,
        "IsSecurityRole": lambda m, x: x.is_security_role,
        "IsActive": lambda m, x: x.is_active,
        "IsPublic": lambda m, x: True,
        "IsArchived": lambda m, x: x.is_archived,
        "ForeignKey": lambda m, x: x.foreign_key,
        **_stamps("Group"),
        "Guid": lambda m, x: x.guid,
    },
    "GroupMember": {
        "Id": lambda m, x: x.id,
        "GroupId": lambda m, x: x.group.id,
        "PersonId": lambda m, x: x.person.id,
        "GroupRoleId": lambda m, x: x.role.id,
        "GroupMemberStatus": lambda m, x: x.status,
        "DateTimeAdded": lambda m, x: x.joined,
        "GroupOrder": lambda m, x: x.order,
        "IsArchived": lambda m, x: x.is_archived,
        "GroupTypeId": _member_type,
        **_stamps("GroupMember"),
    },
    "GroupLocation": {
        "Id": lambda m, x: x[1].id,
        "GroupId": lambda m, x: x[0].id,
        "LocationId": lambda m, x: x[1].location.id,
        "GroupLocationTypeValueId": lambda m, x: _id(x[1].kind),
        "IsMailingLocation": lambda m, x: x[1].mailing,
        "IsMappedLocation": lambda m, x: x[1].mapped,
        "Guid": lambda m, x: m.guid("GroupLocation", x[1].id),
        "CreatedDateTime": lambda m, x: x[0].created,
        "ModifiedDateTime": lambda m, x: x[1].modified or x[0].created,
    },
    "Location": {
        "Id": lambda m, x: x.id,
        "ParentLocationId": lambda m, x: _id(x.parent),
        "Name": lambda m, x: x.name,
        "IsActive": lambda m, x: True,
        "Street1": lambda m, x: x.street1,
        "Street2": lambda m, x: x.street2,
        "City": lambda m, x: x.city,
        "State": lambda m, x: x.state,
        "Country": lambda m, x: x.country,
        "PostalCode": lambda m, x: x.postal_code,
        "Guid": lambda m, x: m.guid("Location", x.id),
    },
    "Campus": {
        "Id": lambda m, x: x.id,
        "Name": lambda m, x: x.name,
        "IsActive": lambda m, x: x.is_active,
        "Guid": lambda m, x: x.guid,
    },
    "DefinedType": {"Id": lambda m, x: x[0], "Name": lambda m, x: f"Type {x[0]}", "Guid": lambda m, x: x[1]},
    "DefinedValue": {
        "Id": lambda m, x: x.id,
        "DefinedTypeId": lambda m, x: _defined_type_id(m, x.type_guid),
        "Value": lambda m, x: x.label,
        "IsActive": lambda m, x: True,
        "Guid": lambda m, x: x.guid,
    },
    "EntityType": {
        "Id": lambda m, x: x[0],
        "Name": lambda m, x: x[1],
        "AssemblyName": lambda m, x: f"{x[1]}, Rock, Version={rock_version(m)}, Culture=neutral, PublicKeyToken=null",
        "FriendlyName": lambda m, x: x[1].rpartition(".")[2],
        "IsEntity": lambda m, x: True,
        "Guid": lambda m, x: x[2] or m.guid("EntityType", x[0]),
    },
    "Category": {
        "Id": lambda m, x: x.id,
        "ParentCategoryId": lambda m, x: _id(x.parent),
        "EntityTypeId": lambda m, x: 2 if x.is_prayer else 1,
        "Name": lambda m, x: x.name,
        "Guid": lambda m, x: x.guid,
    },
    "Schedule": {
        "Id": lambda m, x: x.id,
        "Name": lambda m, x: x.name,
        "WeeklyDayOfWeek": lambda m, x: x.day,
        "WeeklyTimeOfDay": lambda m, x: f"{x.hour:02}:00:00.0000000",
        "IsActive": lambda m, x: True,
        "Guid": lambda m, x: m.guid("Schedule", x.id),
    },
    "FinancialAccount": {
        "Id": lambda m, x: x.id,
        "ParentAccountId": lambda m, x: _id(x.parent),
        "CampusId": lambda m, x: _id(x.campus),
        "Name": lambda m, x: x.name,
        "PublicName": lambda m, x: x.public_name,
        "IsTaxDeductible": lambda m, x: True,
        "IsActive": lambda m, x: x.is_active,
        "Guid": lambda m, x: x.guid,
    },
    "FinancialBatch": {
        "Id": lambda m, x: x.id,
        "Name": lambda m, x: x.name,
        "BatchStartDateTime": lambda m, x: x.start,
        "Status": lambda m, x: x.status,
        "CampusId": lambda m, x: _id(x.campus),
        "ControlAmount": lambda m, x: x.control,
        "Guid": lambda m, x: m.guid("FinancialBatch", x.id),
        "CreatedDateTime": lambda m, x: x.start,
        "ModifiedDateTime": lambda m, x: x.start,
    },
    "FinancialPaymentDetail": {
        "Id": lambda m, x: x.id,
        "AccountNumberMasked": lambda m, x: f"************{x.id % 10000:04}",
        "CurrencyTypeValueId": lambda m, x: _id(x.method),
        "NameOnCard": lambda m, x: "SECRET NAME",
        "GatewayPersonIdentifier": lambda m, x: "SECRET TOKEN",
        "Guid": lambda m, x: m.guid("FinancialPaymentDetail", x.id),
    },
    "FinancialTransaction": {
        "Id": lambda m, x: x.id,
        "AuthorizedPersonAliasId": lambda m, x: _id(x.alias),
        "ShowAsAnonymous": lambda m, x: x.show_as_anonymous,
        "BatchId": lambda m, x: _id(x.batch),
        "FinancialPaymentDetailId": lambda m, x: _id(x.payment),
        "TransactionDateTime": lambda m, x: x.moment,
        "FutureProcessingDateTime": lambda m, x: x.future,
        "TransactionCode": lambda m, x: x.code,
        "Summary": lambda m, x: x.summary,
        "TransactionTypeValueId": lambda m, x: x.type.id,
        "SourceTypeValueId": lambda m, x: _id(x.source),
        "CheckMicrEncrypted": lambda m, x: "SECRET MICR" if x.id % 5 == 0 else None,
        "Status": lambda m, x: x.status,
        "SundayDate": lambda m, x: _sunday(_day(x.moment)),
        "ForeignCurrencyCodeValueId": lambda m, x: _id(x.foreign_currency),
        "ForeignKey": lambda m, x: x.foreign_key,
        "IsNonCash": lambda m, x: bool(x.payment and x.payment.method is m.values["non-cash"]),
        **_stamps("FinancialTransaction"),
    },
    "FinancialTransactionDetail": {
        "Id": lambda m, x: x.id,
        "TransactionId": lambda m, x: x.header.id,
        "AccountId": lambda m, x: x.account.id,
        "Amount": lambda m, x: x.cents,
        "FeeAmount": lambda m, x: x.fee_cents,
        "FeeCoverageAmount": lambda m, x: x.fee_cents,
        "ForeignCurrencyAmount": lambda m, x: x.foreign_cents,
        **_stamps("FinancialTransactionDetail"),
    },
    "FinancialTransactionRefund": {
        "Id": lambda m, x: x.id,
        "OriginalTransactionId": lambda m, x: _id(x.refund_of),
        **_stamps("FinancialTransactionRefund"),
    },
    "AttendanceOccurrence": {
        "Id": lambda m, x: x.id,
        "GroupId": lambda m, x: _id(x.group),
        "LocationId": lambda m, x: _id(x.location),
        "ScheduleId": lambda m, x: _id(x.schedule),
        "OccurrenceDate": lambda m, x: x.day,
        "DidNotOccur": lambda m, x: x.did_not_occur,
        "SundayDate": lambda m, x: _sunday(x.day),
        "AnonymousAttendanceCount": lambda m, x: x.anonymous,
        "OccurrenceDateKey": lambda m, x: int(f"{x.day:%Y%m%d}"),
        "Guid": lambda m, x: m.guid("AttendanceOccurrence", x.id),
    },
    "Attendance": {
        "Id": lambda m, x: x.id,
        "OccurrenceId": _occurrence_id,
        "GroupId": _old(lambda x: _id(x.occurrence.group)),
        "LocationId": _old(lambda x: _id(x.occurrence.location)),
        "ScheduleId": _old(lambda x: _id(x.occurrence.schedule)),
        "DidNotOccur": _old(lambda x: x.occurrence.did_not_occur),
        "PersonAliasId": lambda m, x: _id(x.alias),
        "CampusId": lambda m, x: _id(x.campus),
        "StartDateTime": lambda m, x: x.started,
        "RSVP": lambda m, x: 3,
        "DidAttend": lambda m, x: x.did_attend,
        "IsFirstTime": lambda m, x: x.first_time,
        **_stamps("Attendance"),
    },
    "PrayerRequest": {
        "Id": lambda m, x: x.id,
        "FirstName": lambda m, x: x.first,
        "LastName": lambda m, x: x.last,
        "Email": lambda m, x: x.email,
        "RequestedByPersonAliasId": lambda m, x: _id(x.alias),
        "CategoryId": lambda m, x: _id(x.category),
        "Text": lambda m, x: x.text,
        "Answer": lambda m, x: x.answer,
        "EnteredDateTime": lambda m, x: x.entered,
        "ExpirationDate": lambda m, x: x.expires,
        "GroupId": lambda m, x: _id(x.group),
        "AllowComments": lambda m, x: x.allow_comments,
        "IsUrgent": lambda m, x: x.is_urgent,
        "IsPublic": lambda m, x: x.is_public,
        "IsActive": lambda m, x: x.is_active,
        "IsApproved": lambda m, x: x.is_approved,
        "FlagCount": lambda m, x: None if x.id % 3 else 0,
        "PrayerCount": lambda m, x: x.prayer_count,
        "CampusId": lambda m, x: _id(x.campus),
        **_stamps("PrayerRequest"),
    },
    "Attribute": {
        "Id": lambda m, x: x[0],
        "EntityTypeId": lambda m, x: x[3],
        "EntityTypeQualifierColumn": lambda m, x: "SystemSetting" if x[3] is None else "",
        "Key": lambda m, x: x[1],
        "Name": lambda m, x: x[1],
        "Guid": lambda m, x: (x[2] or m.guid("Attribute", x[0])).upper(),
    },
    "AttributeValue": {
        "Id": lambda m, x: x[0],
        "AttributeId": lambda m, x: x[1],
        "EntityId": lambda m, x: x[2],
        "Value": lambda m, x: x[3],
        "Guid": lambda m, x: m.guid("AttributeValue", x[0]),
    },
    "FinancialScheduledTransaction": {
        "Id": lambda m, x: x.id,
        "AuthorizedPersonAliasId": lambda m, x: x.aliases[0].id,
        "StartDate": lambda m, x: _day(x.created),
        "IsActive": lambda m, x: True,
        "Guid": lambda m, x: m.guid("FinancialScheduledTransaction", x.id),
    },
    "FinancialPledge": {
        "Id": lambda m, x: x.id,
        "PersonAliasId": lambda m, x: x.aliases[0].id,
        "AccountId": lambda m, x: m.accounts[0].id,
        "TotalAmount": lambda m, x: 120_000,
        "StartDate": lambda m, x: _day(x.created),
        "EndDate": lambda m, x: date(9999, 12, 31),
        "Guid": lambda m, x: m.guid("FinancialPledge", x.id),
    },
    "Note": {
        "Id": lambda m, x: x.id,
        "EntityId": lambda m, x: x.id,
        "Text": lambda m, x: CONFIDENTIAL,
        "Guid": lambda m, x: m.guid("Note", x.id),
    },
    "__MigrationHistory": {
        "MigrationId": lambda m, x: x[0],
        "ContextKey": lambda m, x: "Rock.Migrations.Configuration",
        "ProductVersion": lambda m, x: "6.1.3-40302",
    },
}
"""Table -> column -> what an object says there."""
