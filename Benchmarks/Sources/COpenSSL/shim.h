// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

#include <openssl/ssl.h>
#include <openssl/err.h>
