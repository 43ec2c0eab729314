#define _GNU_SOURCE
#include "request.h"

#include "text.h"

#include <string.h>
#include <strings.h>

bool span_is(struct span span, const char *text) {
    return span.length == strlen(text) && !memcmp(span.data, text, span.length);
}

static enum method method_of(struct span word) {
    static const char *const names[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
    for (int i = 0; i < METHOD_OTHER; i++)
        if (span_is(word, names[i])) return (enum method)i;
    return METHOD_OTHER;
}

static void parse_query(struct request *request, char *query, size_t length) {
    static const struct {
        const char *name;
        size_t at;
    } known[] = {
        {"comp", offsetof(struct request, comp)},
        {"restype", offsetof(struct request, restype)},
        {"blockid", offsetof(struct request, block_id)},
        {"blocklisttype", offsetof(struct request, block_list_type)},
        {"prefix", offsetof(struct request, prefix)},
        {"marker", offsetof(struct request, marker)},
        {"delimiter", offsetof(struct request, delimiter)},
        {"include", offsetof(struct request, include)},
        {"maxresults", offsetof(struct request, max_results)},
    };
    request->query = (struct span){query, length};
    for (char *end = query + length; query < end;) {
        char *next = memchr(query, '&', (size_t)(end - query));
        size_t size = (size_t)((next ? next : end) - query);
        char *equals = memchr(query, '=', size);
        if (equals) {
            size_t name = (size_t)(equals - query), value = size - name - 1;
            if (name == 3 && !memcmp(query, "sig", 3) && value) request->authorized = true;
            for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                if (strlen(known[i].name) == name && !memcmp(known[i].name, query, name))
                    *(struct span *)((char *)request + known[i].at) = (struct span){equals + 1, percent_decode(equals + 1, value, false)};
        }
        query += size + 1;
    }
}

static struct span path_part(char **at, char *end) {
    char *slash = memchr(*at, '/', (size_t)(end - *at));
    struct span part = {*at, (size_t)((slash ? slash : end) - *at)};
    *at = slash ? slash + 1 : end;
    return part;
}

static void parse_target(struct request *request, struct span target) {
    char *end = target.data + target.length, *at = target.data;
    char *question = memchr(at, '?', target.length);
    char *path_end = question ? question : end;
    if (at < path_end && *at == '/') at++;
    request->path_style = request->host.length && (strchr("0123456789[", request->host.data[0]) || !strncasecmp(request->host.data, "localhost", 9));
    if (request->path_style) request->account = path_part(&at, path_end);
    request->container = path_part(&at, path_end);
    request->blob = (struct span){at, percent_decode(at, (size_t)(path_end - at), false)};
    if (question) parse_query(request, question + 1, (size_t)(end - question - 1));
}

static bool is_header(struct span name, const char *expected) {
    return name.length == strlen(expected) && !strncasecmp(name.data, expected, name.length);
}

static void parse_metadata(struct request *request, struct span key, struct span value) {
    if (request->metadata_length + key.length + value.length + 2 > sizeof request->metadata) {
        request->malformed = true;
        return;
    }
    char *to = request->metadata + request->metadata_length;
    memcpy(to, key.data, key.length), to[key.length] = 0;
    memcpy(to + key.length + 1, value.data, value.length), to[key.length + 1 + value.length] = 0;
    request->metadata_length += key.length + value.length + 2;
}

static void parse_header(struct request *request, struct span name, struct span value) {
    static const struct {
        const char *name;
        size_t at;
    } spans[] = {
        {"host", offsetof(struct request, host)},
        {"content-type", offsetof(struct request, content_type)},
        {"x-ms-blob-content-type", offsetof(struct request, blob_content_type)},
        {"x-ms-blob-type", offsetof(struct request, blob_type)},
        {"x-ms-access-tier", offsetof(struct request, tier)},
        {"if-none-match", offsetof(struct request, if_none_match)},
        {"if-match", offsetof(struct request, if_match)},
    };
    if (name.length > 10 && !strncasecmp(name.data, "x-ms-meta-", 10)) {
        parse_metadata(request, (struct span){name.data + 10, name.length - 10}, value);
        return;
    }
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        if (is_header(name, spans[i].name)) {
            *(struct span *)((char *)request + spans[i].at) = value;
            return;
        }
    if (is_header(name, "content-length")) {
        request->has_length = value.length > 0;
        for (size_t i = 0; i < value.length; i++) {
            if (value.data[i] < '0' || value.data[i] > '9') request->malformed = true;
            request->content_length = request->content_length * 10 + (uint64_t)(value.data[i] - '0');
        }
    } else if (is_header(name, "content-md5")) {
        request->has_md5 = true;
        request->malformed |= !base64_decode(value.data, value.length, request->md5, 16);
    } else if (is_header(name, "x-ms-content-crc64")) {
        request->has_crc64 = true;
        request->malformed |= !base64_decode(value.data, value.length, request->crc64, 8);
    } else if (is_header(name, "x-ms-blob-content-md5")) {
        request->has_label = value.length > 0;
        request->malformed |= value.length && !base64_decode(value.data, value.length, request->label, 16);
    } else if (is_header(name, "authorization")) request->authorized |= value.length > 0;
    else if (is_header(name, "expect")) request->expects_continue = !strncasecmp(value.data, "100-", 4);
    else if (is_header(name, "connection")) request->wants_close = value.length == 5 && !strncasecmp(value.data, "close", 5);
    else if (is_header(name, "transfer-encoding")) request->has_transfer_encoding = true;
}

bool request_parse(struct request *request, char *head, size_t length) {
    memset(request, 0, offsetof(struct request, metadata));
    request->metadata_length = 0;
    char *end = head + length, *line_end = memmem(head, length, "\r\n", 2);
    if (!line_end) return false;
    char *first = memchr(head, ' ', (size_t)(line_end - head));
    char *last = memrchr(head, ' ', (size_t)(line_end - head));
    if (!first || first == last || line_end - last != 9 || memcmp(last, " HTTP/1.", 8)) return false;
    request->method = method_of((struct span){head, (size_t)(first - head)});
    bool old = last[8] == '0';
    for (char *line = line_end + 2; line < end;) {
        char *next = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!next) next = end;
        char *colon = memchr(line, ':', (size_t)(next - line));
        if (colon) {
            char *value = colon + 1, *value_end = next;
            while (value < value_end && (*value == ' ' || *value == '\t')) value++;
            while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t')) value_end--;
            parse_header(request, (struct span){line, (size_t)(colon - line)}, (struct span){value, (size_t)(value_end - value)});
        }
        line = next + 2;
    }
    request->wants_close |= old;
    parse_target(request, (struct span){first + 1, (size_t)(last - first - 1)});
    return true;
}
