/* CRC-64/NVME, which Azure Storage calls CRC64 (x-ms-content-crc64): reflected polynomial 0x9A6C9329AC4BC9B5. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills the tables; false if the folded and the plain computation differ on this machine. */
bool crc64_begin(void);
/* The checksum of what came before (0 for nothing) and these bytes. */
uint64_t crc64(uint64_t before, const uint8_t *bytes, size_t length);
