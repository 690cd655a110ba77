// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string_view>

namespace proximal::lm {

/// Whether an error says that memory ran out, the CPU's or a device's.
inline bool is_out_of_memory(std::exception const& error) {
    return dynamic_cast<std::bad_alloc const*>(&error) != nullptr ||
           dynamic_cast<c10::OutOfMemoryError const*>(&error) != nullptr ||
           std::string_view(error.what()).find("can't allocate memory") != std::string_view::npos;
}

/// Gives the memory that LibTorch keeps for later back to a device; on the CPU it keeps none.
inline void empty_device_cache(at::Device device) {
    if (!device.is_cpu()) c10::getDeviceAllocator(device.type())->emptyCache();
}

}  // namespace proximal::lm
