/* The XML of List Blobs, List Containers and Get Block List, in Azure's shape. */
#define _GNU_SOURCE
#include "service.h"

#include <stdlib.h>
#include <string.h>

#define MOST_RESULTS 5000

static const char BEGINNING[] = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/* A name that XML cannot hold is percent-encoded and says so, as Azure does it. */
static void put_name(struct text *to, const char *name, size_t length) {
    bool encoded = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        encoded |= c < 0x20 && c != '\t';
        encoded |= c == 0xEF && i + 2 < length && (unsigned char)name[i + 1] == 0xBF && (unsigned char)name[i + 2] >= 0xBE;
    }
    text_put(to, encoded ? "<Name Encoded=\"true\">" : "<Name>");
    if (encoded) text_put_percent(to, name, length);
    else text_put_xml(to, name, length);
    text_put(to, "</Name>");
}

static void put_element(struct text *to, const char *element, struct span value) {
    if (!value.length) return;
    text_format(to, "<%s>", element);
    text_put_xml(to, value.data, value.length);
    text_format(to, "</%s>", element);
}

static void put_metadata(struct text *to, const struct blob *blob) {
    text_put(to, "<Metadata>");
    for (const char *at = blob->metadata, *end = at + blob->metadata_length; at < end;) {
        const char *value = at + strlen(at) + 1;
        put_element(to, at, (struct span){(char *)value, strlen(value)});
        at = value + strlen(value) + 1;
    }
    text_put(to, "</Metadata>");
}

static void put_blob(struct text *to, const struct blob *blob, bool metadata) {
    text_put(to, "<Blob>");
    put_name(to, blob->name, blob->name_length);
    text_format(to, "<Properties><Creation-Time>%s</Creation-Time>", http_date(blob->created));
    text_format(to, "<Last-Modified>%s</Last-Modified><Etag>0x%llX</Etag><Content-Length>%llu</Content-Length>", http_date(blob->modified), (unsigned long long)blob->etag, (unsigned long long)blob->size);
    text_format(to, "<Content-Type>%s</Content-Type><Content-Encoding /><Content-Language /><Content-CRC64 />", blob->content_type);
    if (blob->has_md5) {
        text_put(to, "<Content-MD5>");
        text_put_base64(to, blob->md5, 16);
        text_put(to, "</Content-MD5>");
    } else text_put(to, "<Content-MD5 />");
    text_format(to, "<Cache-Control /><Content-Disposition /><BlobType>BlockBlob</BlobType><AccessTier>%s</AccessTier>", blob->tier);
    text_put(to, "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties>");
    if (metadata) put_metadata(to, blob);
    text_put(to, "<OrMetadata /></Blob>");
}

static bool begins(const struct blob *blob, struct span prefix) {
    return blob->name_length >= prefix.length && !memcmp(blob->name, prefix.data, prefix.length);
}

static bool includes(struct span include, const char *what) {
    return include.length && memmem(include.data, include.length, what, strlen(what));
}

static size_t results_wanted(const struct request *request) {
    char digits[12] = "";
    memcpy(digits, request->max_results.data ? request->max_results.data : "", request->max_results.length < 11 ? request->max_results.length : 11);
    long wanted = strtol(digits, NULL, 10);
    return wanted < 1 || wanted > MOST_RESULTS ? MOST_RESULTS : (size_t)wanted;
}

/* Where the listing begins: at its marker, which is the hex of the first name, or at its prefix. */
static size_t first_listed(struct request *request, struct container *container) {
    if (!request->marker.length) return store_lower_bound(container, request->prefix.data, request->prefix.length);
    size_t length = request->marker.length / 2;
    char *name = must_alloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        char pair[3] = {request->marker.data[2 * i], request->marker.data[2 * i + 1], 0};
        name[i] = (char)strtol(pair, NULL, 16);
    }
    size_t found = store_lower_bound(container, name, length);
    free(name);
    return found;
}

/* A common prefix ends at its first delimiter; everything under it is passed over. */
static size_t after_prefix(struct container *container, const char *prefix, size_t length, size_t at, size_t count) {
    char *beyond = must_alloc(length);
    memcpy(beyond, prefix, length);
    size_t size = length;
    while (size && (unsigned char)beyond[size - 1] == 0xFF) size--;
    if (size) beyond[size - 1]++;
    size_t next = size ? store_lower_bound(container, beyond, size) : count;
    free(beyond);
    return next > at ? next : at + 1;
}

void listing_blobs(struct request *request, struct container *container, struct answer *answer) {
    struct text *to = &answer->body;
    struct span prefix = request->prefix, delimiter = request->delimiter;
    bool metadata = includes(request->include, "metadata"), uncommitted = includes(request->include, "uncommittedblobs");
    size_t wanted = results_wanted(request), count, listed = 0, at = first_listed(request, container);
    struct blob **sorted = store_sorted(container, &count);
    text_put(to, BEGINNING);
    text_put(to, "<EnumerationResults ServiceEndpoint=\"https://");
    text_add(to, request->host.data, request->host.length);
    text_format(to, "/\" ContainerName=\"%s\">", container->name);
    put_element(to, "Prefix", prefix), put_element(to, "Marker", request->marker);
    text_format(to, "<MaxResults>%zu</MaxResults>", wanted);
    put_element(to, "Delimiter", delimiter);
    text_put(to, "<Blobs>");
    while (at < count && begins(sorted[at], prefix) && listed < wanted) {
        struct blob *blob = sorted[at];
        if (!blob->committed && !(uncommitted && blob->staged.count)) {
            at++;
            continue;
        }
        char *rest = blob->name + prefix.length;
        char *found = delimiter.length ? memmem(rest, blob->name_length - prefix.length, delimiter.data, delimiter.length) : NULL;
        listed++;
        if (!found) {
            put_blob(to, blob, metadata);
            at++;
            continue;
        }
        size_t length = (size_t)(found - blob->name) + delimiter.length;
        text_put(to, "<BlobPrefix>");
        put_name(to, blob->name, length);
        text_put(to, "</BlobPrefix>");
        at = after_prefix(container, blob->name, length, at, count);
    }
    text_put(to, "</Blobs>");
    if (at < count && begins(sorted[at], prefix)) {
        text_put(to, "<NextMarker>");
        text_put_hex(to, (const uint8_t *)sorted[at]->name, sorted[at]->name_length);
        text_put(to, "</NextMarker>");
    } else text_put(to, "<NextMarker />");
    text_put(to, "</EnumerationResults>");
    answer->status = 200, answer->body_type = "application/xml";
}

void listing_containers(struct request *request, struct answer *answer) {
    struct text *to = &answer->body;
    text_put(to, BEGINNING);
    text_put(to, "<EnumerationResults ServiceEndpoint=\"https://");
    text_add(to, request->host.data, request->host.length);
    text_put(to, "/\"><Containers>");
    for (size_t i = 0; i < store_container_count(); i++) {
        struct container *container = store_container_at(i);
        if (!container->exists || strlen(container->name) < request->prefix.length || memcmp(container->name, request->prefix.data ? request->prefix.data : "", request->prefix.length)) continue;
        text_format(to, "<Container><Name>%s</Name><Properties><Last-Modified>%s</Last-Modified><Etag>\"0x%llX\"</Etag></Properties></Container>", container->name, http_date(container->modified), (unsigned long long)container->etag);
    }
    text_put(to, "</Containers><NextMarker /></EnumerationResults>");
    answer->status = 200, answer->body_type = "application/xml";
}

static void put_blocks(struct text *to, const char *element, const struct block_list *list) {
    text_format(to, "<%s>", element);
    for (size_t i = 0; i < list->count; i++)
        text_format(to, "<Block><Name>%.*s</Name><Size>%llu</Size></Block>", (int)list->items[i].id_length, list->items[i].id, (unsigned long long)list->items[i].body.size);
    text_format(to, "</%s>", element);
}

void listing_blocks(struct request *request, struct blob *blob, struct answer *answer) {
    if (!blob || (!blob->committed && !blob->staged.count)) {
        service_refuse(answer, 404, "BlobNotFound", "The specified blob does not exist.");
        return;
    }
    bool all = span_is(request->block_list_type, "all");
    text_put(&answer->body, BEGINNING);
    text_put(&answer->body, "<BlockList>");
    if (all || !span_is(request->block_list_type, "uncommitted")) put_blocks(&answer->body, "CommittedBlocks", &blob->blocks);
    if (all || span_is(request->block_list_type, "uncommitted")) put_blocks(&answer->body, "UncommittedBlocks", &blob->staged);
    text_put(&answer->body, "</BlockList>");
    if (blob->committed)
        text_format(&answer->headers, "ETag: \"0x%llX\"\r\nLast-Modified: %s\r\nx-ms-blob-content-length: %llu\r\n", (unsigned long long)blob->etag, http_date(blob->modified), (unsigned long long)blob->size);
    answer->status = 200, answer->body_type = "application/xml";
}
