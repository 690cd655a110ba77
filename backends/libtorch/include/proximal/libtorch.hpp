// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/libtorch/field.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/libtorch/reverse_scan.hpp>
