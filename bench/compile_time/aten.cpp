// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

int main() {}
