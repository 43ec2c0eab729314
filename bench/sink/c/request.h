/* One HTTP request to the blob endpoint, as far as its head says. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    char *data;
    size_t length;
};

enum method { METHOD_GET, METHOD_HEAD, METHOD_PUT, METHOD_POST, METHOD_DELETE, METHOD_OTHER };

struct request {
    enum method method;
    bool path_style; /* the account is the first part of the path, as for an address by number */
    struct span account, container, blob;
    struct span comp, restype, block_id, block_list_type, prefix, marker, delimiter, include, max_results, query;
    struct span host, content_type, blob_content_type, blob_type, tier, if_none_match, if_match;
    bool authorized, expects_continue, wants_close, has_length, has_transfer_encoding;
    uint64_t content_length;
    bool has_md5, has_crc64, has_label, malformed;
    uint8_t md5[16], crc64[8], label[16];
    char metadata[8192]; /* "key\0value\0" ... */
    size_t metadata_length;
};

/* Parses the head in place (it is changed); false if it is no HTTP/1.x request. */
bool request_parse(struct request *request, char *head, size_t length);
bool span_is(struct span span, const char *text);
