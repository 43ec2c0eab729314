#define _GNU_SOURCE
#include "control.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#define SECONDS_KEPT 7200

struct settings settings;

static struct counts {
    uint64_t connections, requests, writes, bytes, commits, put_blobs, put_blocks, put_lists, heads, lists, refused, mismatches;
    double first_request, first_write, last_write, last_commit, last_request;
    uint64_t per_second[SECONDS_KEPT];
} counts;

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

void control_connected(void) { counts.connections++; }

void control_began(const struct request *request) {
    counts.requests++;
    counts.last_request = now();
    if (!counts.first_request) counts.first_request = counts.last_request;
    if (request->method == METHOD_PUT && request->blob.length && !counts.first_write) counts.first_write = counts.last_request;
}

void control_arrived(size_t bytes) {
    /* By the moment of their arrival: a large body takes many seconds under a limit. */
    size_t second = (size_t)(now() - counts.first_request);
    if (second < SECONDS_KEPT) counts.per_second[second] += bytes;
}

void control_answered(const struct request *request, const struct answer *answer, const struct received *received) {
    bool put = request->method == METHOD_PUT && request->blob.length;
    if (answer->error && (!strcmp(answer->error, "Md5Mismatch") || !strcmp(answer->error, "Crc64Mismatch"))) counts.mismatches++;
    if (answer->status >= 400) counts.refused++;
    if (request->method == METHOD_HEAD) counts.heads++;
    if (request->method == METHOD_GET && span_is(request->comp, "list")) counts.lists++;
    if (!put || answer->status >= 400) return;
    counts.last_write = now(), counts.writes++;
    if (answer->payload) counts.bytes += received->size;
    if (answer->committed) counts.commits++, counts.last_commit = counts.last_write;
    if (!request->comp.length) counts.put_blobs++;
    else if (span_is(request->comp, "block")) counts.put_blocks++;
    else if (span_is(request->comp, "blocklist")) counts.put_lists++;
}

static void stats(struct answer *answer) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    struct text *to = &answer->body;
#define NUMBER(name) text_format(to, "\"" #name "\": %llu, ", (unsigned long long)counts.name)
#define SECONDS(name) text_format(to, "\"" #name "\": %.6f, ", counts.name)
    text_put(to, "{");
    NUMBER(connections), NUMBER(requests), NUMBER(writes), NUMBER(bytes), NUMBER(commits), NUMBER(put_blobs), NUMBER(put_blocks);
    NUMBER(put_lists), NUMBER(heads), NUMBER(lists), NUMBER(refused), NUMBER(mismatches);
    SECONDS(first_request), SECONDS(first_write), SECONDS(last_write), SECONDS(last_commit), SECONDS(last_request);
    text_format(to, "\"cpu_seconds\": %.6f, \"bytes_per_second\": [", cpu);
    size_t last = SECONDS_KEPT;
    while (last && !counts.per_second[last - 1]) last--;
    for (size_t i = 0; i < last; i++) text_format(to, "%s%llu", i ? ", " : "", (unsigned long long)counts.per_second[i]);
    text_put(to, "]}\n");
}

static void put_record(struct text *to, const struct body_record *record) {
    text_format(to, "\t%llu:%c:", (unsigned long long)record->size, record->kind);
    text_put_hex(to, record->digest, record->kind == DIGEST_MD5 ? 16 : 8);
}

static const char *modified_of(const struct blob *blob) {
    for (const char *at = blob->metadata, *end = at + blob->metadata_length; at < end;) {
        const char *value = at + strlen(at) + 1;
        if (!strcasecmp(at, "mtime")) return value;
        at = value + strlen(value) + 1;
    }
    return "-";
}

/* One line a committed blob: percent-encoded name, size, label, the metadata's mtime, and every body in order as
 * size:kind:digest. */
static void digests(struct request *request, struct answer *answer) {
    const char *name = request->blob.data;
    struct container *container = store_container(name, request->blob.length, false);
    size_t count = 0;
    struct blob **sorted = container ? store_sorted(container, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        struct blob *blob = sorted[i];
        if (!blob->committed) continue;
        text_put_percent(&answer->body, blob->name, blob->name_length);
        text_format(&answer->body, "\t%llu\t", (unsigned long long)blob->size);
        if (blob->has_md5) text_put_hex(&answer->body, blob->md5, 16);
        else text_put(&answer->body, "-");
        text_format(&answer->body, "\t%s", modified_of(blob));
        if (!blob->from_blocks) put_record(&answer->body, &blob->whole);
        for (size_t k = 0; k < blob->blocks.count; k++) put_record(&answer->body, &blob->blocks.items[k].body);
        text_put(&answer->body, "\n");
    }
}

static long setting(const struct request *request, const char *name, long otherwise) {
    char *found = request->query.length ? memmem(request->query.data, request->query.length, name, strlen(name)) : NULL;
    return found ? strtol(found + strlen(name), NULL, 10) : otherwise;
}

bool control_is_for(const struct request *request) { return span_is(request->account, "__sink"); }

void control_answer(struct request *request, struct answer *answer) {
    answer->status = 200, answer->body_type = "text/plain";
    if (span_is(request->container, "stats")) stats(answer);
    else if (span_is(request->container, "digests")) digests(request, answer);
    else if (span_is(request->container, "forget")) memset(&counts, 0, sizeof counts);
    else if (span_is(request->container, "reset")) store_reset(), memset(&counts, 0, sizeof counts);
    else if (span_is(request->container, "settings")) {
        settings.delay_ms = setting(request, "delay_ms=", settings.delay_ms);
        settings.chunked = setting(request, "chunked=", settings.chunked);
        settings.close_each = setting(request, "close=", settings.close_each);
        settings.always_continue = setting(request, "continue=", settings.always_continue);
    } else answer->status = 404;
}
