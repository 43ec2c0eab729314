#include "service.h"

#include <stdio.h>
#include <string.h>

#define MAX_BLOCKS 50000
#define MAX_BLOCK_ID 88

const char *http_date(time_t when) {
    static struct {
        time_t when;
        char text[40];
    } kept[16];
    size_t at = (size_t)when & 15;
    if (kept[at].when != when) {
        struct tm parts;
        gmtime_r(&when, &parts);
        strftime(kept[at].text, sizeof kept[at].text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        kept[at].when = when;
    }
    return kept[at].text;
}

void service_refuse(struct answer *answer, int status, const char *code, const char *message) {
    answer->status = status, answer->error = code, answer->body_type = "application/xml";
    text_clear(&answer->headers), text_clear(&answer->body);
    text_format(&answer->body, "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>", code, message);
}

struct wants service_wants(const struct request *request) {
    if (request->method != METHOD_PUT) return (struct wants){.body = true};
    if (request->blob.length && !request->comp.length) return (struct wants){.md5 = true, .crc64 = request->has_crc64};
    if (span_is(request->comp, "block")) return (struct wants){.md5 = request->has_md5, .crc64 = request->has_crc64 || !request->has_md5};
    return (struct wants){.md5 = request->has_md5, .crc64 = request->has_crc64, .body = true};
}

/* True if the body is what its sender says; otherwise the refusal is in the answer. */
static bool intact(const struct request *request, const struct received *received, struct answer *answer) {
    if (request->malformed) {
        service_refuse(answer, 400, "InvalidHeaderValue", "A header's value is not in the right format.");
        return false;
    }
    if (request->has_md5 && memcmp(request->md5, received->md5, 16)) {
        service_refuse(answer, 400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.");
        return false;
    }
    if (request->has_crc64 && memcmp(request->crc64, &received->crc64, 8)) {
        service_refuse(answer, 400, "Crc64Mismatch", "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.");
        return false;
    }
    return true;
}

static struct body_record record_of(const struct received *received) {
    struct body_record record = {.size = received->size};
    if (received->has_md5) {
        record.kind = DIGEST_MD5;
        memcpy(record.digest, received->md5, 16);
    } else {
        record.kind = DIGEST_CRC64;
        memcpy(record.digest, &received->crc64, 8);
    }
    return record;
}

static bool names_etag(struct span value, uint64_t etag) {
    char text[32];
    snprintf(text, sizeof text, "\"0x%llX\"", (unsigned long long)etag);
    return span_is(value, "*") || span_is(value, text);
}

/* If-None-Match and If-Match of a write; false when refused. */
static bool condition_holds(const struct request *request, const struct blob *blob, struct answer *answer) {
    bool exists = blob && blob->committed;
    if (request->if_none_match.length && exists && names_etag(request->if_none_match, blob->etag)) {
        if (span_is(request->if_none_match, "*")) service_refuse(answer, 409, "BlobAlreadyExists", "The specified blob already exists.");
        else service_refuse(answer, 412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
        return false;
    }
    if (request->if_match.length && !(exists && names_etag(request->if_match, blob->etag))) {
        service_refuse(answer, 412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
        return false;
    }
    return true;
}

static const char *type_of(const struct request *request) {
    struct span type = request->blob_content_type;
    return type.length ? store_repeated(type.data, type.length) : "application/octet-stream";
}

static void take_properties(struct blob *blob, const struct request *request) {
    blob->content_type = type_of(request);
    if (request->tier.length || !blob->tier) blob->tier = request->tier.length ? store_repeated(request->tier.data, request->tier.length) : "Hot";
    blob->metadata = request->metadata_length ? store_copy(request->metadata, request->metadata_length) : NULL;
    blob->metadata_length = (uint32_t)request->metadata_length;
}

static void touch(struct blob *blob) {
    blob->etag = store_next_etag();
    blob->modified = time(NULL);
    if (!blob->created) blob->created = blob->modified;
}

static void say_version(struct answer *answer, uint64_t etag, time_t modified) {
    text_format(&answer->headers, "ETag: \"0x%llX\"\r\nLast-Modified: %s\r\n", (unsigned long long)etag, http_date(modified));
}

static void say_digests(struct answer *answer, const struct received *received) {
    if (received->has_md5) {
        text_put(&answer->headers, "Content-MD5: ");
        text_put_base64(&answer->headers, received->md5, 16);
        text_put(&answer->headers, "\r\n");
    }
    if (received->has_crc64) {
        text_put(&answer->headers, "x-ms-content-crc64: ");
        text_put_base64(&answer->headers, (const uint8_t *)&received->crc64, 8);
        text_put(&answer->headers, "\r\n");
    }
    text_put(&answer->headers, "x-ms-request-server-encrypted: true\r\n");
}

static void put_blob(struct request *request, struct received *received, struct container *container, struct answer *answer) {
    answer->payload = true;
    if (!span_is(request->blob_type, "BlockBlob")) {
        service_refuse(answer, 400, "InvalidHeaderValue", "Only block blobs are kept here.");
        return;
    }
    if (!condition_holds(request, store_blob(container, request->blob.data, request->blob.length, false), answer)) return;
    struct blob *blob = store_blob(container, request->blob.data, request->blob.length, true);
    block_list_free(&blob->staged), block_list_free(&blob->blocks);
    blob->committed = true, blob->from_blocks = false, blob->has_md5 = true;
    memcpy(blob->md5, request->has_label ? request->label : received->md5, 16);
    blob->size = received->size, blob->whole = record_of(received);
    take_properties(blob, request), touch(blob);
    answer->status = 201, answer->committed = true;
    say_version(answer, blob->etag, blob->modified), say_digests(answer, received);
}

static void put_block(struct request *request, struct received *received, struct container *container, struct answer *answer) {
    answer->payload = true;
    struct span id = {request->block_id.data, request->block_id.length};
    if (!id.length || id.length > MAX_BLOCK_ID || id.length % 4) {
        service_refuse(answer, 400, "InvalidQueryParameterValue", "The block id is not valid base64 of at most 64 bytes.");
        return;
    }
    struct blob *blob = store_blob(container, request->blob.data, request->blob.length, true);
    const struct block_list *other = blob->staged.count ? &blob->staged : &blob->blocks;
    if (other->count && other->items[0].id_length != id.length) {
        service_refuse(answer, 400, "InvalidBlobOrBlock", "The specified blob or block content is invalid: block ids of one blob have one length.");
        return;
    }
    struct body_record record = record_of(received);
    block_list_put(&blob->staged, id.data, id.length, &record);
    answer->status = 201;
    say_digests(answer, received);
}

/* The next <Kind>id</Kind> of a block list; false at its end. */
static bool next_listed(struct span *xml, struct span *kind, struct span *id) {
    for (;;) {
        char *open = memchr(xml->data, '<', xml->length), *end = xml->data + xml->length;
        char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
        if (!close) return false;
        *kind = (struct span){open + 1, (size_t)(close - open - 1)};
        char *next = memchr(close, '<', (size_t)(end - close));
        *xml = (struct span){next ? next : end, (size_t)(next ? end - next : 0)};
        if (!span_is(*kind, "Latest") && !span_is(*kind, "Committed") && !span_is(*kind, "Uncommitted")) continue;
        *id = (struct span){close + 1, (size_t)(next ? next - close - 1 : 0)};
        while (id->length && strchr(" \r\n\t", *id->data)) id->data++, id->length--;
        while (id->length && strchr(" \r\n\t", id->data[id->length - 1])) id->length--;
        return true;
    }
}

static struct block *listed_block(struct blob *blob, struct span kind, struct span id) {
    struct block *found = NULL;
    if (!span_is(kind, "Committed")) found = block_list_find(&blob->staged, id.data, id.length);
    if (!found && !span_is(kind, "Uncommitted")) found = block_list_find(&blob->blocks, id.data, id.length);
    return found;
}

static void put_block_list(struct request *request, struct received *received, struct container *container, struct answer *answer) {
    struct blob *blob = store_blob(container, request->blob.data, request->blob.length, true);
    if (!condition_holds(request, blob, answer)) return;
    struct block_list chosen = {0};
    struct span xml = {received->kept.data, received->kept.length}, kind, id;
    uint64_t size = 0;
    size_t count = 0;
    while (next_listed(&xml, &kind, &id)) {
        struct block *block = listed_block(blob, kind, id);
        if (!block || ++count > MAX_BLOCKS) {
            block_list_free(&chosen);
            if (block) service_refuse(answer, 400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.");
            else service_refuse(answer, 400, "InvalidBlockList", "The specified block list is invalid.");
            return;
        }
        size += block->body.size;
        block_list_append(&chosen, id.data, id.length, &block->body);
    }
    block_list_free(&blob->staged), block_list_free(&blob->blocks);
    blob->blocks = chosen;
    blob->committed = true, blob->from_blocks = true, blob->size = size, blob->has_md5 = request->has_label;
    if (request->has_label) memcpy(blob->md5, request->label, 16);
    take_properties(blob, request), touch(blob);
    answer->status = 201, answer->committed = true;
    say_version(answer, blob->etag, blob->modified), say_digests(answer, received);
}

static void put_other(struct request *request, struct blob *blob, struct answer *answer) {
    if (!blob || !blob->committed) {
        service_refuse(answer, 404, "BlobNotFound", "The specified blob does not exist.");
        return;
    }
    if (!condition_holds(request, blob, answer)) return;
    answer->status = 200;
    if (span_is(request->comp, "metadata")) {
        blob->metadata = request->metadata_length ? store_copy(request->metadata, request->metadata_length) : NULL;
        blob->metadata_length = (uint32_t)request->metadata_length;
    } else if (span_is(request->comp, "properties")) {
        blob->content_type = type_of(request);
        blob->has_md5 = request->has_label;
        if (request->has_label) memcpy(blob->md5, request->label, 16);
    } else if (span_is(request->comp, "tier")) {
        blob->tier = store_copy(request->tier.data, request->tier.length);
        return;
    } else {
        service_refuse(answer, 400, "InvalidQueryParameterValue", "This endpoint does not know that operation.");
        return;
    }
    touch(blob);
    say_version(answer, blob->etag, blob->modified);
}

static void say_metadata(struct answer *answer, const struct blob *blob) {
    for (const char *at = blob->metadata, *end = at + blob->metadata_length; at < end;) {
        const char *value = at + strlen(at) + 1;
        text_format(&answer->headers, "x-ms-meta-%s: %s\r\n", at, value);
        at = value + strlen(value) + 1;
    }
}

static void head_blob(struct request *request, struct blob *blob, struct answer *answer) {
    if (!blob || !blob->committed) {
        service_refuse(answer, 404, "BlobNotFound", "The specified blob does not exist.");
        return;
    }
    if (request->method == METHOD_GET) {
        service_refuse(answer, 501, "NotImplemented", "This endpoint keeps no contents, only digests.");
        return;
    }
    answer->status = 200, answer->long_head = true, answer->blob_size = blob->size;
    say_version(answer, blob->etag, blob->modified);
    if (blob->has_md5) {
        text_put(&answer->headers, "Content-MD5: ");
        text_put_base64(&answer->headers, blob->md5, 16);
        text_put(&answer->headers, "\r\n");
    }
    text_format(&answer->headers, "Content-Type: %s\r\nx-ms-blob-type: BlockBlob\r\nx-ms-access-tier: %s\r\nx-ms-creation-time: %s\r\n", blob->content_type, blob->tier, http_date(blob->created));
    text_put(&answer->headers, "Accept-Ranges: bytes\r\nx-ms-lease-status: unlocked\r\nx-ms-lease-state: available\r\nx-ms-server-encrypted: true\r\n");
    say_metadata(answer, blob);
}

static void answer_container(struct request *request, struct answer *answer) {
    struct container *container = store_container(request->container.data, request->container.length, request->method == METHOD_PUT);
    if (!container) {
        service_refuse(answer, 404, "ContainerNotFound", "The specified container does not exist.");
        return;
    }
    if (request->method == METHOD_PUT && !request->comp.length) {
        if (container->exists) {
            service_refuse(answer, 409, "ContainerAlreadyExists", "The specified container already exists.");
            return;
        }
        container->exists = true, container->etag = store_next_etag(), container->modified = time(NULL);
        answer->status = 201;
        say_version(answer, container->etag, container->modified);
    } else if (request->method == METHOD_GET && span_is(request->comp, "list")) listing_blobs(request, container, answer);
    else if (request->method == METHOD_GET || request->method == METHOD_HEAD) {
        answer->status = 200;
        say_version(answer, container->etag, container->modified);
        text_put(&answer->headers, "x-ms-lease-status: unlocked\r\nx-ms-lease-state: available\r\nx-ms-has-immutability-policy: false\r\n");
    } else service_refuse(answer, 405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.");
}

static void answer_account(struct request *request, struct answer *answer) {
    if (request->method == METHOD_GET && span_is(request->comp, "list")) listing_containers(request, answer);
    else {
        answer->status = 200;
        text_put(&answer->headers, "x-ms-sku-name: Standard_LRS\r\nx-ms-account-kind: StorageV2\r\nx-ms-is-hns-enabled: false\r\n");
    }
}

static void answer_blob(struct request *request, struct received *received, struct container *container, struct answer *answer) {
    if (request->method == METHOD_PUT && !request->comp.length) {
        put_blob(request, received, container, answer);
        return;
    }
    if (request->method == METHOD_PUT && span_is(request->comp, "block")) {
        put_block(request, received, container, answer);
        return;
    }
    if (request->method == METHOD_PUT && span_is(request->comp, "blocklist")) {
        put_block_list(request, received, container, answer);
        return;
    }
    struct blob *blob = store_blob(container, request->blob.data, request->blob.length, false);
    if (request->method == METHOD_PUT) put_other(request, blob, answer);
    else if (request->method == METHOD_DELETE) {
        if (!blob || !blob->committed) {
            service_refuse(answer, 404, "BlobNotFound", "The specified blob does not exist.");
            return;
        }
        blob->committed = false;
        block_list_free(&blob->staged), block_list_free(&blob->blocks);
        answer->status = 202;
    } else if (request->method == METHOD_GET && span_is(request->comp, "blocklist")) listing_blocks(request, blob, answer);
    else if (request->method == METHOD_GET || request->method == METHOD_HEAD) head_blob(request, blob, answer);
    else service_refuse(answer, 405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.");
}

void service_answer(struct request *request, struct received *received, struct answer *answer) {
    if (!request->authorized) {
        service_refuse(answer, 403, "AuthenticationFailed", "Server failed to authenticate the request: no signature.");
        return;
    }
    if (!intact(request, received, answer)) return;
    if (span_is(request->restype, "account") || !request->container.length) answer_account(request, answer);
    else if (span_is(request->restype, "container") || !request->blob.length) answer_container(request, answer);
    else {
        struct container *container = store_container(request->container.data, request->container.length, false);
        if (container) answer_blob(request, received, container, answer);
        else service_refuse(answer, 404, "ContainerNotFound", "The specified container does not exist.");
    }
}
