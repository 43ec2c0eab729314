/* The blob service: what a request does to the store, and its answer. */
#pragma once
#include "request.h"
#include "store.h"
#include "text.h"

/* What was computed of a request's body. */
struct received {
    uint64_t size;
    bool has_md5, has_crc64;
    uint8_t md5[16];
    uint64_t crc64;
    struct text kept; /* the body itself, where the operation reads it */
};

struct wants {
    bool md5, crc64, body;
};

struct answer {
    int status;
    const char *error; /* Azure's code, NULL if none */
    struct text headers, body;
    const char *body_type;
    bool long_head; /* the length of a blob that a HEAD is about: `blob_size` */
    uint64_t blob_size;
    bool payload, committed; /* a Put Blob or Put Block; one that completed a blob */
};

struct wants service_wants(const struct request *request);
void service_answer(struct request *request, struct received *received, struct answer *answer);
void service_refuse(struct answer *answer, int status, const char *code, const char *message);

/* "Wed, 25 Nov 2026 10:00:00 GMT" */
const char *http_date(time_t when);

void listing_blobs(struct request *request, struct container *container, struct answer *answer);
void listing_containers(struct request *request, struct answer *answer);
void listing_blocks(struct request *request, struct blob *blob, struct answer *answer);
