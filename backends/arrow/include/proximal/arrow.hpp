// SPDX-License-Identifier: Apache-2.0
#pragma once

// Data through Arrow: Parquet. All of it.
#include <proximal/arrow/parquet_records.hpp>
