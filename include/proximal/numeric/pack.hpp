// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <proximal/numeric/functions.hpp>
#include <proximal/numeric/numeric.hpp>
#include <type_traits>
#include <utility>

namespace proximal {

/// The bytes of one vector register of the instruction set that the program is compiled for.
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

/// 1 / N!, a Taylor coefficient of eˣ.
template <int N>
inline constexpr double inverse_factorial = inverse_factorial<N - 1> / N;
/// 1 / 0!
template <>
inline constexpr double inverse_factorial<0> = 1.0;

/// Several tokens at a time: the scalar of number<pack<float>, N> or number<pack<double>, N>.
///
/// Lanes are independent and follow the rules of the scalar type, NaN and infinities included. `exp` is computed lane
/// by lane in parallel, within 2 units in the last place over the whole range, gradual underflow included; other
/// functions call the C library per lane. GCC's and Clang's vector extensions: no intrinsics, any CPU.
template <class T>
struct pack {
    static constexpr int width = register_bytes / sizeof(T);
    /// The integer as wide as a lane.
    using integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    /// A register of lanes.
    typedef T vector __attribute__((vector_size(register_bytes)));
    /// A register of their bits.
    typedef integer bits __attribute__((vector_size(register_bytes)));

    /// The outcome of a comparison, lane by lane: all bits set or none.
    struct mask {
        bits lanes;
        friend mask operator|(mask a, mask b) { return {a.lanes | b.lanes}; }
        friend mask operator&(mask a, mask b) { return {a.lanes & b.lanes}; }
    };

    vector lanes{};

    pack() = default;
    pack(double x) : lanes(T(x) - vector{}) {}  // not `vector{} + x`: −0 stays −0
    /// A register as it is.
    explicit pack(vector x) : lanes(x) {}
    explicit pack(mask condition) : lanes((vector)((bits)pack(1.0).lanes & condition.lanes)) {}

    /// The next `count` numbers, 0 in the lanes beyond.
    static pack load(T const* from, int count = width) {
        pack x;
        __builtin_memcpy(&x.lanes, from, count == width ? sizeof x.lanes : count * sizeof(T));
        return x;
    }
    /// Writes the first `count` lanes.
    void store(T* to, int count = width) const {
        __builtin_memcpy(to, &lanes, count == width ? sizeof lanes : count * sizeof(T));
    }
    /// True in the first `count` lanes.
    static mask first(int count) {
        mask result{};
        for (int i = 0; i < count; ++i) result.lanes[i] = -1;
        return result;
    }
    T sum() const {
        T total = 0;
        for (int i = 0; i < width; ++i) total += lanes[i];
        return total;
    }

    friend pack operator+(pack a, pack b) { return pack(a.lanes + b.lanes); }
    friend pack operator-(pack a, pack b) { return pack(a.lanes - b.lanes); }
    friend pack operator*(pack a, pack b) { return pack(a.lanes * b.lanes); }
    friend pack operator/(pack a, pack b) { return pack(a.lanes / b.lanes); }
    friend pack operator-(pack a) { return pack(-a.lanes); }
    friend mask operator<(pack a, pack b) { return {(bits)(a.lanes < b.lanes)}; }
    friend mask operator>(pack a, pack b) { return {(bits)(a.lanes > b.lanes)}; }
    friend mask operator<=(pack a, pack b) { return {(bits)(a.lanes <= b.lanes)}; }
    friend mask operator>=(pack a, pack b) { return {(bits)(a.lanes >= b.lanes)}; }
    friend mask operator==(pack a, pack b) { return {(bits)(a.lanes == b.lanes)}; }
    friend mask operator!=(pack a, pack b) { return {(bits)(a.lanes != b.lanes)}; }

    friend pack blend(mask condition, pack yes, pack no) {
        return pack((vector)((condition.lanes & (bits)yes.lanes) | (~condition.lanes & (bits)no.lanes)));
    }

    friend pack sqrt(pack x) {
        return x.each([](T lane) { return std::sqrt(lane); });
    }
    friend pack log(pack x) {
        return x.each([](T lane) { return std::log(lane); });
    }
    friend pack expm1(pack x) {
        return x.each([](T lane) { return std::expm1(lane); });
    }
    friend pack exp(pack x) { return exponential(x); }

   private:
    pack each(auto const& f) const {
        pack result;
        for (int i = 0; i < width; ++i) result.lanes[i] = f(lanes[i]);
        return result;
    }

    /// eˣ = 2ᵏ eʳ with |r| ≤ ½ ln 2: Cody and Waite (1980), chapter 6. eʳ is its Taylor polynomial, long enough that
    /// the first term left out lies under half a unit in the last place.
    static pack exponential(pack x) {
        constexpr bool single = sizeof(T) == 4;
        constexpr double limit = single ? 105.0 : 746.0;                        // beyond it eˣ is 0 or ∞
        constexpr T rounder = single ? T(0x1.8p23) : T(0x1.8p52);               // x + rounder rounds x to an integer
        constexpr T ln2_high = single ? T(0x1.62ep-1) : T(0x1.62e42fefa38p-1);  // k · ln2_high is exact
        constexpr T ln2_low = single ? T(0x1.0bfbe8e7bcd5ep-15) : T(0x1.ef35793c7673p-45);
        pack const within = blend(x > limit, limit, blend(x < -limit, -limit, x));  // NaN passes both
        vector const shifted = within.lanes * T(0x1.71547652b82fep0) + rounder;
        bits const k = (bits)shifted - (bits)pack(double(rounder)).lanes;
        vector const whole = shifted - rounder;
        vector const r = (within.lanes - whole * ln2_high) - whole * ln2_low;
        constexpr int degree = single ? 7 : 13;
        vector p = vector{};
        [&]<int... n>(std::integer_sequence<int, n...>) { ((p = p * r + T(inverse_factorial<degree - n>)), ...); }
        (std::make_integer_sequence<int, degree + 1>{});
        bits const half = k >> 1;  // 2ᵏ in two steps: k may leave the exponent's range where eˣ does not
        return pack(p * two_to(half) * two_to(k - half));
    }
    static vector two_to(bits k) {
        constexpr int mantissa = sizeof(T) == 4 ? 23 : 52, bias = sizeof(T) == 4 ? 127 : 1023;
        return (vector)((k + bias) << mantissa);
    }
};

static_assert(Numeric<number<pack<float>, 3>> && Numeric<number<pack<double>>>);

}  // namespace proximal
