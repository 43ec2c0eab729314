/* What the endpoint keeps of containers and blobs: names, sizes, labels and digests; no contents. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum digest_kind { DIGEST_NONE = '-', DIGEST_MD5 = 'm', DIGEST_CRC64 = 'c' };

/* What arrived in one body: its length and what the endpoint itself computed of it. */
struct body_record {
    uint64_t size;
    enum digest_kind kind;
    uint8_t digest[16];
};

struct block {
    const char *id; /* decoded from the address, still base64; not terminated */
    uint32_t id_length;
    struct body_record body;
};

/* Blocks in order of arrival, found by id. */
struct block_list {
    struct block *items;
    size_t count, capacity;
    uint32_t *slots;
    size_t slot_count;
};

struct blob {
    char *name;
    uint32_t name_length;
    bool committed;
    bool from_blocks;
    bool has_md5;
    uint8_t md5[16]; /* the blob's Content-MD5: a label */
    uint64_t size, etag;
    time_t modified, created;
    const char *content_type, *tier; /* terminated */
    const char *metadata;            /* "key\0value\0" ... */
    uint32_t metadata_length;
    struct body_record whole; /* of Put Blob */
    struct block_list blocks; /* of Put Block List */
    struct block_list staged;
};

struct container {
    char name[64];
    bool exists;
    uint64_t etag;
    time_t modified;
    struct blob **slots;
    size_t slot_count, count;
    struct blob **sorted, **fresh;
    size_t sorted_count, fresh_count, sorted_capacity, fresh_capacity;
};

struct container *store_container(const char *name, size_t length, bool create);
size_t store_container_count(void);
struct container *store_container_at(size_t index);
struct blob *store_blob(struct container *container, const char *name, size_t length, bool create);
/* All blobs ever named, by name in byte order; `*count` of them. */
struct blob **store_sorted(struct container *container, size_t *count);
/* First index of the sorted ones whose name is not below this. */
size_t store_lower_bound(struct container *container, const char *name, size_t length);
uint64_t store_next_etag(void);
/* A terminated copy that lives until the next reset. */
char *store_copy(const char *bytes, size_t length);
/* The same for texts of which most blobs of a run have the same few, such as content types. */
const char *store_repeated(const char *bytes, size_t length);
void store_reset(void);

struct block *block_list_find(struct block_list *list, const char *id, size_t length);
/* In place of a block of the same id, or at the end. */
void block_list_put(struct block_list *list, const char *id, size_t length, const struct body_record *body);
/* At the end: a committed list may name a block twice. */
void block_list_append(struct block_list *list, const char *id, size_t length, const struct body_record *body);
void block_list_free(struct block_list *list);
