// SPDX-License-Identifier: Apache-2.0
// fmt's own code, compiled once for all programs on tensors. LibTorch's folder of headers holds a younger fmt than the
// system's library and comes before it, so that library cannot be linked; header-only, each source would compile it
// again.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {
template auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref) -> char;
template auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;
}  // namespace detail
FMT_END_NAMESPACE
