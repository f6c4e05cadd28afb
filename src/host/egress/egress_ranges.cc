#include "host/egress/egress_ranges.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace nimbus::host {
namespace {

using enum AddressKind;

struct V4Range {
  std::array<std::uint8_t, 4> network;
  unsigned prefix_bits;
  AddressRange range;
};

// The first that matches counts.
constexpr V4Range kV4Ranges[] = {
    {{169, 254, 169, 254}, 32, {kMetadata, "cloud metadata"}},
    {{169, 254, 170, 2}, 32, {kMetadata, "cloud metadata"}},
    {{100, 100, 100, 200}, 32, {kMetadata, "cloud metadata"}},
    {{168, 63, 129, 16}, 32, {kMetadata, "cloud metadata"}},
    {{0, 0, 0, 0}, 32, {kLoopback, "unspecified"}},  // connecting there reaches loopback
    {{0, 0, 0, 0}, 8, {kSpecial, "this network"}},
    {{10, 0, 0, 0}, 8, {kPrivate, "private"}},
    {{100, 64, 0, 0}, 10, {kPrivate, "shared address space"}},
    {{127, 0, 0, 0}, 8, {kLoopback, "loopback"}},
    {{169, 254, 0, 0}, 16, {kSpecial, "link-local"}},
    {{172, 16, 0, 0}, 12, {kPrivate, "private"}},
    {{192, 0, 0, 0}, 24, {kSpecial, "protocol assignments"}},
    {{192, 0, 2, 0}, 24, {kSpecial, "documentation"}},
    {{192, 88, 99, 0}, 24, {kSpecial, "6to4 relay"}},
    {{192, 168, 0, 0}, 16, {kPrivate, "private"}},
    {{198, 18, 0, 0}, 15, {kSpecial, "benchmarking"}},
    {{198, 51, 100, 0}, 24, {kSpecial, "documentation"}},
    {{203, 0, 113, 0}, 24, {kSpecial, "documentation"}},
    {{224, 0, 0, 0}, 4, {kSpecial, "multicast"}},
    {{255, 255, 255, 255}, 32, {kSpecial, "broadcast"}},
    {{240, 0, 0, 0}, 4, {kSpecial, "reserved"}},
};

struct V6Range {
  std::array<std::uint16_t, 8> groups;
  unsigned prefix_bits;
  AddressRange range;
};

constexpr V6Range kV6Ranges[] = {
    {{0xfd00, 0x0ec2}, 32, {kMetadata, "cloud metadata"}},
    {{0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254}, 128, {kMetadata, "cloud metadata"}},
    {{}, 128, {kLoopback, "unspecified"}},
    {{0, 0, 0, 0, 0, 0, 0, 1}, 128, {kLoopback, "loopback"}},
    {{0x2001, 0x0002}, 48, {kSpecial, "benchmarking"}},
    {{0x2001, 0x0db8}, 32, {kSpecial, "documentation"}},
    {{0x2001, 0}, 23, {kSpecial, "protocol assignments"}},
    {{0x3fff}, 20, {kSpecial, "documentation"}},
    {{0x2000}, 3, {kPublic, "public"}},
    {{0x0100}, 64, {kSpecial, "discard"}},
    {{0x5f00}, 16, {kSpecial, "segment routing"}},
    {{0xfc00}, 7, {kPrivate, "unique local"}},
    {{0xfe80}, 10, {kSpecial, "link-local"}},
    {{0xfec0}, 10, {kPrivate, "site-local"}},
    {{0xff00}, 8, {kSpecial, "multicast"}},
};

bool samePrefix(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
  for (std::size_t i = 0; bits > 0; ++i) {
    const unsigned compared = bits < 8 ? bits : 8;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> compared);
    if ((a[i] & mask) != (b[i] & mask)) return false;
    bits -= compared;
  }
  return true;
}

std::array<std::uint8_t, 16> bytesOf(const std::array<std::uint16_t, 8>& groups) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 0xff);
  }
  return bytes;
}

AddressRange rangeOfV4(std::span<const std::uint8_t> bytes) {
  for (const V4Range& entry : kV4Ranges) {
    if (samePrefix(bytes, entry.network, entry.prefix_bits)) return entry.range;
  }
  return {};
}

// What is reached by way of a translator or tunnel is not this machine's loopback.
AddressRange rangeOfEmbedded(std::span<const std::uint8_t> bytes) {
  AddressRange range = rangeOfV4(bytes);
  if (range.kind == kLoopback) range = {kSpecial, "loopback behind a tunnel"};
  return range;
}

bool hasPrefix(std::span<const std::uint8_t> bytes, std::array<std::uint16_t, 8> groups,
               unsigned bits) {
  return samePrefix(bytes, bytesOf(groups), bits);
}

std::optional<AddressRange> rangeOfTunnelled(std::span<const std::uint8_t> bytes) {
  if (hasPrefix(bytes, {0x0064, 0xff9b}, 96)) return rangeOfEmbedded(bytes.subspan(12));  // NAT64
  if (hasPrefix(bytes, {0x2002}, 16)) return rangeOfEmbedded(bytes.subspan(2));           // 6to4
  if (hasPrefix(bytes, {0x2001, 0}, 32)) {  // Teredo: the server, and the client inverted
    std::array<std::uint8_t, 4> client{};
    for (std::size_t i = 0; i < 4; ++i) client[i] = static_cast<std::uint8_t>(~bytes[12 + i]);
    const AddressRange server = rangeOfEmbedded(bytes.subspan(4));
    return server.kind == kPublic ? rangeOfEmbedded(client) : server;
  }
  const bool unspecified_or_loopback = hasPrefix(bytes, {}, 112) && bytes[14] == 0 && bytes[15] < 2;
  if (hasPrefix(bytes, {}, 96) && !unspecified_or_loopback) {  // IPv4-compatible
    return rangeOfEmbedded(bytes.subspan(12));
  }
  return std::nullopt;
}

}  // namespace

AddressRange rangeOf(const net::IpAddress& address) {
  const std::span<const std::uint8_t> bytes = address.bytes();
  if (address.isV4()) return rangeOfV4(bytes);
  if (hasPrefix(bytes, {0, 0, 0, 0, 0, 0xffff}, 96)) return rangeOfV4(bytes.subspan(12));
  if (const auto tunnelled = rangeOfTunnelled(bytes)) return *tunnelled;
  for (const V6Range& entry : kV6Ranges) {
    if (hasPrefix(bytes, entry.groups, entry.prefix_bits)) return entry.range;
  }
  return {kSpecial, "unallocated"};
}

bool inNetwork(const net::IpAddress& address, const net::IpAddress& network, unsigned prefix_bits) {
  return address.isV4() == network.isV4() &&
         samePrefix(address.bytes(), network.bytes(), prefix_bits);
}

}  // namespace nimbus::host
