// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/native/TypeProperties.h>
#include <proximal/numeric/numeric.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace proximal::libtorch {

/// A tensor as a numeric: every element one number, autograd the derivative, any device and dtype.
///
/// A wrapper, because a formula must not see the tensor itself: `max(tensor, 0)` means the maximum along axis 0, and
/// shapes broadcast in silence. Constants enter as wrapped numbers, scalars in the host's memory, which leave the dtype
/// alone and meet tensors of any device. No function waits for the device.
struct field : finds_formula_functions {
    at::Tensor tensor;

    field() = default;
    field(at::Tensor x) : tensor(std::move(x)) {}
    field(double x) : tensor(at::native::wrapped_scalar_tensor(x)) {}

    explicit operator bool() const = delete;  // a comparison is a number, not a branch: write select(a > b, x, y)

    friend field operator+(field const& a, field const& b) { return same(a, b), a.tensor + b.tensor; }
    friend field operator-(field const& a, field const& b) { return same(a, b), a.tensor - b.tensor; }
    friend field operator*(field const& a, field const& b) { return same(a, b), a.tensor * b.tensor; }
    friend field operator/(field const& a, field const& b) { return same(a, b), a.tensor / b.tensor; }
    friend field operator>(field const& a, field const& b) { return same(a, b), a.truth(a.tensor.gt(b.tensor), b); }
    friend field operator<(field const& a, field const& b) { return same(a, b), a.truth(a.tensor.lt(b.tensor), b); }
    friend field operator>=(field const& a, field const& b) { return same(a, b), a.truth(a.tensor.ge(b.tensor), b); }
    friend field operator<=(field const& a, field const& b) { return same(a, b), a.truth(a.tensor.le(b.tensor), b); }
    friend field operator==(field const&,
                            field const&) = delete;  // seldom equal: write (a >= b) * (a <= b)
    friend field max(field const& a, field const& b) { return same(a, b), at::maximum(a.tensor, b.tensor); }
    friend field min(field const& a, field const& b) { return same(a, b), at::minimum(a.tensor, b.tensor); }
    friend field clamp(field const& a, field const& low, field const& high) {
        same(a, low), same(a, high);
        auto const type = at::native::result_type({a.tensor, low.tensor, high.tensor});
        auto const device = device_of(a, low, high);
        return placed(a, device, type).clamp(placed(low, device, type), placed(high, device, type));
    }
    friend field select(field const& condition, field const& yes, field const& no) {
        same(condition, yes), same(condition, no);
        field chosen = yes;
        // Of two constants at::where would make the default dtype, not the condition's.
        if (is_constant(yes) && is_constant(no)) chosen = yes.tensor.to(condition.tensor.scalar_type(), false, true);
        auto const type = at::result_type(chosen.tensor, no.tensor);
        auto const device = device_of(condition, yes, no);
        return at::where(condition.tensor.ne(0), placed(chosen, device, type), placed(no, device, type));
    }
    friend field operator-(field const& a) { return -a.tensor; }
    friend field exp(field const& a) { return a.tensor.exp(); }
    friend field expm1(field const& a) { return a.tensor.expm1(); }
    friend field log(field const& a) { return a.tensor.log(); }
    friend field sqrt(field const& a) { return a.tensor.sqrt(); }
    friend field abs(field const& a) { return a.tensor.abs(); }
    friend field square(field const& a) { return a.tensor.square(); }
    friend field sigmoid(field const& a) { return a.tensor.sigmoid(); }
    friend field detach(field const& a) { return absent(a) ? a : field(a.tensor.detach()); }

    friend bool absent(field const& a) { return !a.tensor.defined(); }

   private:
    static void same(field const& a, field const& b) {
        if (absent(a) || absent(b)) throw std::invalid_argument("proximal: an absent array was read");
        if (a.tensor.dim() > 0 && b.tensor.dim() > 0 && a.tensor.sizes() != b.tensor.sizes())
            throw std::invalid_argument("proximal: shapes " + shape(a) + " and " + shape(b) + " do not match");
    }
    static bool is_constant(field const& a) { return a.tensor.unsafeGetTensorImpl()->is_wrapped_number(); }
    static at::Device device_of(field const& a, field const& b, field const& c) {
        for (auto const* x : {&a, &b, &c})
            if (!x->tensor.is_cpu()) return x->tensor.device();
        return at::kCPU;
    }
    /// A scalar in the host's memory, as constants are, on `device` in dtype `type`; any other tensor as it is. An
    /// operation of two tensors takes such a scalar anywhere; of those of three clamp refuses it, and where waits until
    /// it is copied.
    static at::Tensor placed(field const& a, at::Device device, at::ScalarType type) {
        if (device.is_cpu() || !a.tensor.is_cpu() || a.tensor.dim() > 0) return a.tensor;
        return a.tensor.to(device, type, /*non_blocking=*/true);
    }
    static std::string shape(field const& a) {
        std::string text = "[";
        for (auto size : a.tensor.sizes()) text.append(text.size() > 1 ? ", " : "").append(std::to_string(size));
        return text.append("]");
    }
    field truth(at::Tensor const& condition, field const& other) const {
        return condition.to(at::result_type(tensor, other.tensor));
    }
};
static_assert(Numeric<field>);

}  // namespace proximal::libtorch
