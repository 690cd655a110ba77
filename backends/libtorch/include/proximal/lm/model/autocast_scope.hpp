// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/autocast_mode.h>
#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <optional>

namespace proximal::lm {

/// The dtype in which LibTorch's autocast multiplies matrices of a device now, on this thread; none where it is off.
inline std::optional<at::ScalarType> autocast_dtype(at::DeviceType device) {
    if (!at::autocast::is_autocast_available(device) || !at::autocast::is_autocast_enabled(device)) return {};
    return at::autocast::get_autocast_dtype(device);
}

/// While it lives, LibTorch's autocast multiplies matrices of a device in `dtype` on this thread, or does not, where
/// none is given; then all is as before, after an exception too. Scopes nest.
///
/// `keeps_casts`: whether a parameter's cast is kept for its next product. LibTorch keeps it until clear_cache(),
/// whatever happens to the parameter and whether or not a gradient was asked for: who asks for it clears it.
class autocast_scope {
   public:
    autocast_scope(at::DeviceType device, std::optional<at::ScalarType> dtype, bool keeps_casts = false)
        : device_(device), kept_casts_(at::autocast::is_autocast_cache_enabled()) {
        available_ = at::autocast::is_autocast_available(device);
        if (!available_) return;
        was_enabled_ = at::autocast::is_autocast_enabled(device);
        had_dtype_ = at::autocast::get_autocast_dtype(device);
        at::autocast::set_autocast_enabled(device, dtype.has_value());
        if (dtype) at::autocast::set_autocast_dtype(device, *dtype);
        at::autocast::set_autocast_cache_enabled(keeps_casts);
    }
    ~autocast_scope() {
        if (!available_) return;
        at::autocast::set_autocast_enabled(device_, was_enabled_);
        at::autocast::set_autocast_dtype(device_, had_dtype_);
        at::autocast::set_autocast_cache_enabled(kept_casts_);
    }
    autocast_scope(autocast_scope const&) = delete;
    autocast_scope& operator=(autocast_scope const&) = delete;

   private:
    at::DeviceType device_;
    bool kept_casts_, available_ = false, was_enabled_ = false;
    at::ScalarType had_dtype_ = at::kFloat;
};

}  // namespace proximal::lm
