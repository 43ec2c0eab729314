/* The endpoint's own side: what it counted, its digests, its settings. Addresses begin with /__sink/. */
#pragma once
#include "service.h"

struct settings {
    long delay_ms;
    bool chunked, close_each, always_continue;
};
extern struct settings settings;

void control_connected(void);
/* A request's head arrived. */
void control_began(const struct request *request);
/* Payload of a Put Blob or Put Block arrived. */
void control_arrived(size_t bytes);
void control_answered(const struct request *request, const struct answer *answer, const struct received *received);
bool control_is_for(const struct request *request);
void control_answer(struct request *request, struct answer *answer);
