/* A blob endpoint for measuring clients: one thread, epoll, TLS; it keeps digests and no contents.
 *
 * A round of the loop: read what came on every connection that is ready, carry all their MD5s on side by side, then
 * answer the requests whose bodies are complete. Usage: sink PORT CHAIN.pem KEY.pem; prints "port N" when it listens. */
#define _GNU_SOURCE
#include "control.h"
#include "crc64.h"
#include "md5.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (128u << 10) /* of a connection's input: what one round takes of it */
#define HEAD_ROOM (32u << 10)
#define MOST_EVENTS 512
#define MOST_KEPT (64u << 20) /* of a body that an operation reads */

enum phase { HANDSHAKE, HEAD, BODY, COMPLETE, DELAYED, ANSWERING, CLOSING };

struct connection {
    int fd;
    SSL *ssl;
    enum phase phase;
    bool again, close_after;
    uint32_t watched;
    size_t start, end; /* of what was read and not yet used, in `input` */
    uint64_t body_left;
    struct wants wants;
    struct received received;
    struct md5_state md5;
    uint8_t last_blocks[128];
    struct request request;
    struct text out;
    size_t out_sent;
    int64_t due_ns;
    struct connection *next_delayed, *next_again;
    char head[HEAD_ROOM];
    uint8_t input[ROOM + 64];
};

static int epoll;
static SSL_CTX *context;
static struct connection *delayed_first, *delayed_last, *again_first;
static struct md5_work works[MOST_EVENTS * 4];
static struct connection *batch[MOST_EVENTS * 4];
static size_t work_count, batch_count;

static int64_t monotonic_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void watch(struct connection *c, uint32_t events) {
    if (c->watched == events) return;
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    c->watched = events;
}

static void soon(struct connection *c) {
    if (c->again) return;
    c->again = true, c->next_again = again_first, again_first = c;
}

static void release(struct connection *c) {
    SSL_free(c->ssl);
    close(c->fd);
    text_free(&c->out), text_free(&c->received.kept);
    free(c);
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct connection *c = must_alloc(sizeof *c);
        memset(c, 0, offsetof(struct connection, head));
        c->fd = fd, c->ssl = SSL_new(context), c->watched = EPOLLIN;
        SSL_set_fd(c->ssl, fd), SSL_set_accept_state(c->ssl);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        control_connected();
    }
}

/* Reads until the input is full, the socket is empty or the awaited part is there. False when the connection ended. */
static bool read_input(struct connection *c) {
    if (c->start == c->end) c->start = c->end = 0;
    else if (c->start && (c->end - c->start < 64 || c->end == ROOM)) {
        memmove(c->input, c->input + c->start, c->end - c->start);
        c->end -= c->start, c->start = 0;
    }
    while (c->end < ROOM) {
        if (c->phase == BODY && c->end - c->start >= c->body_left) return true;
        int got = SSL_read(c->ssl, c->input + c->end, (int)(ROOM - c->end));
        if (got > 0) {
            c->end += (size_t)got;
            if (c->phase == HEAD) return true;
            continue;
        }
        int why = SSL_get_error(c->ssl, got);
        ERR_clear_error();
        if (why == SSL_ERROR_WANT_READ) return true;
        return false;
    }
    soon(c);
    return true;
}

/* True when the head was complete and the body begins. */
static bool begin_request(struct connection *c) {
    uint8_t *end = memmem(c->input + c->start, c->end - c->start, "\r\n\r\n", 4);
    size_t length = end ? (size_t)(end - (c->input + c->start)) : 0;
    if (!end && c->end - c->start < HEAD_ROOM) return false;
    if (!end || length >= HEAD_ROOM || !(memcpy(c->head, c->input + c->start, length), request_parse(&c->request, c->head, length))) {
        c->phase = CLOSING;
        return false;
    }
    c->start += length + 4;
    struct request *request = &c->request;
    bool put = request->method == METHOD_PUT || request->method == METHOD_POST;
    c->body_left = request->content_length;
    c->close_after = request->wants_close || settings.close_each || request->has_transfer_encoding;
    c->wants = service_wants(request);
    c->received = (struct received){.kept = c->received.kept, .has_md5 = c->wants.md5, .has_crc64 = c->wants.crc64};
    text_clear(&c->received.kept);
    md5_start(&c->md5);
    if (!control_is_for(request)) control_began(request);
    if (put && (request->expects_continue || settings.always_continue) && request->content_length) {
        static const char proceed[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (SSL_write(c->ssl, proceed, sizeof proceed - 1) <= 0) {
            c->phase = CLOSING;
            return false;
        }
    }
    c->phase = BODY;
    return true;
}

/* Takes what came of the body: crc64 at once, MD5 as work for the round. */
static void take_body(struct connection *c) {
    size_t came = c->end - c->start, taken = came < c->body_left ? came : (size_t)c->body_left;
    uint8_t *from = c->input + c->start;
    bool last = taken == c->body_left;
    size_t whole = taken / 64, rest = taken % 64;
    if (c->wants.md5 && !last) taken -= rest;
    if (c->wants.crc64) c->received.crc64 = crc64(c->received.crc64, from, taken);
    if (c->wants.body) {
        if (c->received.kept.length + taken > MOST_KEPT) c->close_after = true;
        else text_add(&c->received.kept, (char *)from, taken);
    }
    c->received.size += taken;
    if (c->wants.md5 && (whole || last)) {
        struct md5_work *work = &works[work_count++];
        *work = (struct md5_work){&c->md5, {from, c->last_blocks}, {whole, 0}};
        if (last) work->blocks[1] = md5_padding(c->last_blocks, from + 64 * whole, rest, c->received.size);
    }
    if (c->request.method == METHOD_PUT && !c->wants.body) control_arrived(taken);
    c->start += taken, c->body_left -= taken;
    if (last) c->phase = COMPLETE;
}

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    default: return status < 400 ? "OK" : "Error";
    }
}

static void write_answer(struct connection *c, struct answer *answer) {
    static uint64_t request_ids;
    struct text *out = &c->out;
    bool head = c->request.method == METHOD_HEAD, chunked = settings.chunked && !head;
    text_clear(out), c->out_sent = 0;
    text_format(out, "HTTP/1.1 %d %s\r\nServer: OneMigrate-Bench-Sink\r\nx-ms-version: 2023-11-03\r\nx-ms-request-id: 00000000-0000-4000-8000-%012llx\r\nDate: %s\r\n", answer->status, reason(answer->status), (unsigned long long)++request_ids, http_date(time(NULL)));
    text_add(out, answer->headers.data, answer->headers.length);
    if (answer->error) text_format(out, "x-ms-error-code: %s\r\n", answer->error);
    if (answer->body.length) text_format(out, "Content-Type: %s\r\n", answer->body_type);
    if (c->close_after) text_put(out, "Connection: close\r\n");
    if (chunked) text_put(out, "Transfer-Encoding: chunked\r\n\r\n");
    else text_format(out, "Content-Length: %llu\r\n\r\n", (unsigned long long)(answer->long_head ? answer->blob_size : answer->body.length));
    if (chunked) {
        /* Two pieces, so that a client that reads only one is found out. */
        size_t first = answer->body.length / 2;
        if (first) text_format(out, "%zx\r\n", first), text_add(out, answer->body.data, first), text_put(out, "\r\n");
        size_t second = answer->body.length - first;
        if (second) text_format(out, "%zx;x=y\r\n", second), text_add(out, answer->body.data + first, second), text_put(out, "\r\n");
        text_put(out, "0\r\n\r\n");
    } else if (!head) text_add(out, answer->body.data, answer->body.length);
}

static void send_answer(struct connection *c) {
    while (c->out_sent < c->out.length) {
        int sent = SSL_write(c->ssl, c->out.data + c->out_sent, (int)(c->out.length - c->out_sent));
        if (sent > 0) {
            c->out_sent += (size_t)sent;
            continue;
        }
        int why = SSL_get_error(c->ssl, sent);
        ERR_clear_error();
        c->phase = why == SSL_ERROR_WANT_WRITE ? ANSWERING : CLOSING;
        if (c->phase == ANSWERING) watch(c, EPOLLOUT);
        return;
    }
    if (c->out.capacity > (1u << 20)) text_free(&c->out);
    if (c->close_after) {
        SSL_shutdown(c->ssl);
        shutdown(c->fd, SHUT_WR);
        c->phase = CLOSING;
        return;
    }
    c->phase = HEAD;
    watch(c, EPOLLIN);
    if (c->end > c->start || SSL_has_pending(c->ssl)) soon(c);
}

static void finish_request(struct connection *c) {
    static struct answer answer;
    struct text headers = answer.headers, body = answer.body;
    text_clear(&headers), text_clear(&body);
    if (body.capacity > (8u << 20)) text_free(&body);
    answer = (struct answer){.headers = headers, .body = body};
    if (c->wants.md5) md5_digest(&c->md5, c->received.md5);
    if (control_is_for(&c->request)) control_answer(&c->request, &answer);
    else {
        if (c->request.has_transfer_encoding) service_refuse(&answer, 411, "MissingContentLengthHeader", "The Content-Length header was not specified.");
        else service_answer(&c->request, &c->received, &answer);
        control_answered(&c->request, &answer, &c->received);
    }
    write_answer(c, &answer);
    if (!settings.delay_ms || control_is_for(&c->request)) {
        send_answer(c);
        return;
    }
    c->phase = DELAYED, c->due_ns = monotonic_ns() + settings.delay_ms * 1000000LL, c->next_delayed = NULL;
    watch(c, 0);
    if (delayed_last) delayed_last->next_delayed = c;
    else delayed_first = c;
    delayed_last = c;
}

/* First half of a round for one connection: everything up to its MD5. */
static void advance(struct connection *c, uint32_t events) {
    if (c->phase == DELAYED) {
        /* The peer is gone: unwatched, or it would be reported without end until the answer is due. */
        if (events & (EPOLLHUP | EPOLLERR)) epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL), c->close_after = true;
        return;
    }
    if (c->phase == ANSWERING) {
        send_answer(c);
        return;
    }
    if (c->phase == HANDSHAKE) {
        int done = SSL_do_handshake(c->ssl);
        if (done != 1) {
            int why = SSL_get_error(c->ssl, done);
            ERR_clear_error();
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) c->phase = CLOSING;
            return;
        }
        c->phase = HEAD;
    }
    /* What a pipelining client sent with its last request may already hold the next head. */
    while (c->phase == HEAD && !(c->end > c->start && begin_request(c)) && c->phase == HEAD) {
        size_t before = c->end - c->start;
        if (!read_input(c)) c->phase = CLOSING;
        else if (c->end - c->start == before) return;
    }
    if (c->phase != BODY) return;
    if (c->end - c->start < c->body_left && !read_input(c)) c->phase = CLOSING;
    else take_body(c);
}

static void into_batch(struct connection *c, uint32_t events) {
    advance(c, events);
    batch[batch_count++] = c;
}

static void settle_batch(void) {
    md5_run(works, work_count);
    for (size_t i = 0; i < batch_count; i++) {
        struct connection *c = batch[i];
        if (c->phase == COMPLETE) finish_request(c);
        if (c->phase == CLOSING && !c->again) release(c);
    }
    work_count = batch_count = 0;
}

static void send_due(void) {
    int64_t now = delayed_first ? monotonic_ns() : 0;
    while (delayed_first && delayed_first->due_ns <= now) {
        struct connection *c = delayed_first;
        delayed_first = c->next_delayed;
        if (!delayed_first) delayed_last = NULL;
        send_answer(c);
        if (c->phase == CLOSING && !c->again) release(c);
    }
}

static int patience_ms(void) {
    if (again_first) return 0;
    if (!delayed_first) return -1;
    int64_t left = delayed_first->due_ns - monotonic_ns();
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

static void run(int listener) {
    static struct epoll_event events[MOST_EVENTS];
    for (;;) {
        int count = epoll_wait(epoll, events, MOST_EVENTS, patience_ms());
        struct connection *again = again_first;
        again_first = NULL;
        /* Ready ones first: a connection that is in both lists must be there once. */
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) accept_all(listener);
            else if (!c->again) into_batch(c, events[i].events);
        }
        while (again) {
            struct connection *c = again;
            again = c->next_again, c->again = false;
            into_batch(c, EPOLLIN);
            if (batch_count == MOST_EVENTS * 2) settle_batch();
        }
        settle_batch();
        send_due();
    }
}

static SSL_CTX *tls(const char *chain, const char *key) {
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
    SSL_CTX_set_options(made, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* The same cipher for every client: AES-256-GCM, which Azure's front ends choose first. */
    SSL_CTX_set_ciphersuites(made, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(made, 1);
    SSL_CTX_set_default_read_buffer_len(made, 64 << 10);
    SSL_CTX_set_num_tickets(made, 1);
    if (SSL_CTX_use_certificate_chain_file(made, chain) != 1 || SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(66);
    }
    return made;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: sink PORT CHAIN.pem KEY.pem\n");
        return 64;
    }
    if (!md5_begin() || !crc64_begin()) {
        fprintf(stderr, "sink: its digests are wrong on this machine\n");
        return 70;
    }
    signal(SIGPIPE, SIG_IGN);
    context = tls(argv[2], argv[3]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("sink: cannot listen");
        return 71;
    }
    getsockname(listener, (struct sockaddr *)&address, &(socklen_t){sizeof address});
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    run(listener);
}
