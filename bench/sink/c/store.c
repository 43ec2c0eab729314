#include "store.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

#define CONTAINERS 64
#define CHUNK (4u << 20)

static struct container containers[CONTAINERS];
static size_t container_count;
static uint64_t etags = 0x8DD000000000000ULL;

/* Everything that lives until the next reset comes from chunks that are freed at once. */
struct chunk {
    struct chunk *before;
    char bytes[];
};
static struct chunk *chunks;
static size_t chunk_left;
static char *chunk_next;

static void *arena(size_t size) {
    size = (size + 7) & ~(size_t)7;
    if (size > chunk_left) {
        size_t room = size > CHUNK ? size : CHUNK;
        struct chunk *chunk = must_alloc(sizeof *chunk + room);
        chunk->before = chunks, chunks = chunk;
        chunk_next = chunk->bytes, chunk_left = room;
    }
    void *memory = chunk_next;
    chunk_next += size, chunk_left -= size;
    return memory;
}

char *store_copy(const char *bytes, size_t length) {
    char *copy = arena(length + 1);
    memcpy(copy, bytes, length);
    copy[length] = 0;
    return copy;
}

static const char *repeated[8];
static size_t repeated_next;

const char *store_repeated(const char *bytes, size_t length) {
    for (size_t i = 0; i < 8; i++)
        if (repeated[i] && strlen(repeated[i]) == length && !memcmp(repeated[i], bytes, length)) return repeated[i];
    return repeated[repeated_next++ & 7] = store_copy(bytes, length);
}

static uint64_t hash(const char *bytes, size_t length) {
    uint64_t value = 0x9E3779B97F4A7C15ULL ^ length, word;
    for (; length >= 8; bytes += 8, length -= 8) {
        memcpy(&word, bytes, 8);
        value = (value ^ word) * 0xD6E8FEB86659FD93ULL;
        value ^= value >> 32;
    }
    word = 0;
    memcpy(&word, bytes, length);
    value = (value ^ word) * 0xD6E8FEB86659FD93ULL;
    return value ^ value >> 29;
}

struct container *store_container(const char *name, size_t length, bool create) {
    for (size_t i = 0; i < container_count; i++)
        if (strlen(containers[i].name) == length && !memcmp(containers[i].name, name, length))
            return containers[i].exists || create ? &containers[i] : NULL;
    if (!create || container_count == CONTAINERS || length >= sizeof containers[0].name) return NULL;
    struct container *container = &containers[container_count++];
    memset(container, 0, sizeof *container);
    memcpy(container->name, name, length);
    return container;
}

size_t store_container_count(void) { return container_count; }
struct container *store_container_at(size_t index) { return &containers[index]; }

static void grow_slots(struct container *container) {
    size_t size = container->slot_count ? container->slot_count * 2 : 1024;
    struct blob **old = container->slots;
    struct blob **slots = calloc(size, sizeof *slots);
    if (!slots) abort();
    for (size_t i = 0; i < container->slot_count; i++) {
        if (!old[i]) continue;
        size_t at = hash(old[i]->name, old[i]->name_length) & (size - 1);
        while (slots[at]) at = (at + 1) & (size - 1);
        slots[at] = old[i];
    }
    free(old);
    container->slots = slots, container->slot_count = size;
}

struct blob *store_blob(struct container *container, const char *name, size_t length, bool create) {
    if (2 * (container->count + 1) > container->slot_count) grow_slots(container);
    size_t at = hash(name, length) & (container->slot_count - 1);
    for (; container->slots[at]; at = (at + 1) & (container->slot_count - 1)) {
        struct blob *blob = container->slots[at];
        if (blob->name_length == length && !memcmp(blob->name, name, length)) return blob;
    }
    if (!create) return NULL;
    struct blob *blob = arena(sizeof *blob);
    memset(blob, 0, sizeof *blob);
    blob->name = store_copy(name, length), blob->name_length = (uint32_t)length;
    container->slots[at] = blob, container->count++;
    if (container->fresh_count == container->fresh_capacity) {
        container->fresh_capacity = container->fresh_capacity ? 2 * container->fresh_capacity : 1024;
        container->fresh = must_realloc(container->fresh, container->fresh_capacity * sizeof *container->fresh);
    }
    container->fresh[container->fresh_count++] = blob;
    return blob;
}

static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length) {
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_blobs(const void *a, const void *b) {
    const struct blob *left = *(struct blob *const *)a, *right = *(struct blob *const *)b;
    return compare_names(left->name, left->name_length, right->name, right->name_length);
}

struct blob **store_sorted(struct container *container, size_t *count) {
    if (container->fresh_count) {
        qsort(container->fresh, container->fresh_count, sizeof *container->fresh, compare_blobs);
        size_t total = container->sorted_count + container->fresh_count;
        if (total > container->sorted_capacity) {
            container->sorted_capacity = total + total / 2;
            container->sorted = must_realloc(container->sorted, container->sorted_capacity * sizeof *container->sorted);
        }
        /* Merged from the end, so that nothing is overwritten before it was moved. */
        size_t old = container->sorted_count, fresh = container->fresh_count, to = total;
        while (fresh) {
            if (old && compare_blobs(&container->sorted[old - 1], &container->fresh[fresh - 1]) > 0)
                container->sorted[--to] = container->sorted[--old];
            else container->sorted[--to] = container->fresh[--fresh];
        }
        container->sorted_count = total, container->fresh_count = 0;
    }
    *count = container->sorted_count;
    return container->sorted;
}

size_t store_lower_bound(struct container *container, const char *name, size_t length) {
    size_t low = 0, high;
    struct blob **sorted = store_sorted(container, &high);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(sorted[middle]->name, sorted[middle]->name_length, name, length) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

uint64_t store_next_etag(void) { return ++etags; }

void store_reset(void) {
    for (size_t i = 0; i < container_count; i++) {
        struct container *container = &containers[i];
        for (size_t k = 0; k < container->slot_count; k++)
            if (container->slots[k]) {
                block_list_free(&container->slots[k]->blocks);
                block_list_free(&container->slots[k]->staged);
            }
        free(container->slots), free(container->sorted), free(container->fresh);
    }
    container_count = 0;
    while (chunks) {
        struct chunk *before = chunks->before;
        free(chunks);
        chunks = before;
    }
    chunk_left = 0;
    memset(repeated, 0, sizeof repeated);
}

static size_t block_slot(const struct block_list *list, const char *id, size_t length) {
    size_t at = hash(id, length) & (list->slot_count - 1);
    for (; list->slots[at]; at = (at + 1) & (list->slot_count - 1)) {
        const struct block *block = &list->items[list->slots[at] - 1];
        if (block->id_length == length && !memcmp(block->id, id, length)) break;
    }
    return at;
}

struct block *block_list_find(struct block_list *list, const char *id, size_t length) {
    if (!list->count) return NULL;
    uint32_t index = list->slots[block_slot(list, id, length)];
    return index ? &list->items[index - 1] : NULL;
}

void block_list_put(struct block_list *list, const char *id, size_t length, const struct body_record *body) {
    struct block *found = block_list_find(list, id, length);
    if (found) found->body = *body;
    else block_list_append(list, id, length, body);
}

void block_list_append(struct block_list *list, const char *id, size_t length, const struct body_record *body) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->items = must_realloc(list->items, list->capacity * sizeof *list->items);
        free(list->slots);
        list->slot_count = 2 * list->capacity;
        list->slots = calloc(list->slot_count, sizeof *list->slots);
        if (!list->slots) abort();
        for (size_t i = 0; i < list->count; i++)
            list->slots[block_slot(list, list->items[i].id, list->items[i].id_length)] = (uint32_t)i + 1;
    }
    list->items[list->count] = (struct block){store_copy(id, length), (uint32_t)length, *body};
    size_t at = block_slot(list, id, length);
    list->slots[at] = (uint32_t)++list->count;
}

void block_list_free(struct block_list *list) {
    free(list->items), free(list->slots);
    memset(list, 0, sizeof *list);
}
