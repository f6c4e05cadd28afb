#pragma once

// Who may come in, for tests: a nats-server with an operator, one account and one user of it, and
// the user's credentials. Made for these tests alone; they never end.
namespace nimbus::nats {

// Configuration of the server.
inline constexpr const char* kOperatorConfiguration =
    "operator: eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJpYXQiOjE3MDAwMDAwMDAsImlzcyI6Ik9"
    "DRFFETFlMTUtNM0gzSk9XVlZJTUpTWkEzWEpHT0hIRlVJSkpEV0tSNENXRkw0SlFGNzZUVVpTIiwibmFtZSI6Im9wIiw"
    "ic3ViIjoiT0NEUURMWUxNS00zSDNKT1dWVklNSlNaQTNYSkdPSEhGVUlKSkRXS1I0Q1dGTDRKUUY3NlRVWlMiLCJuYXR"
    "zIjp7InR5cGUiOiJvcGVyYXRvciIsInZlcnNpb24iOjJ9LCJqdGkiOiJUNDJINE9LS1c2QlJLRFBKN1c0M1MyRE5aQkt"
    "TUFE3MlZNN1hORFFQWlhYRU1PRU1PNElBIn0.J3VrgpmC5T8YPooRWWr0jiiSmHRwmU6gEBrl6q1Meh3v5XTQVRUWia3"
    "AQfBDaSgzY5zmqf0WlCiE4aH7EJLfDA\n"
    "resolver: MEMORY\n"
    "resolver_preload: { ABVJFQLKXSH5TBWAATZOKZAA2SPW3XCK6ZPG22YS77TCD4YRS5J3VAYK: eyJ0eXAiOiJKV1"
    "QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJpYXQiOjE3MDAwMDAwMDAsImlzcyI6Ik9DRFFETFlMTUtNM0gzSk9XVlZ"
    "JTUpTWkEzWEpHT0hIRlVJSkpEV0tSNENXRkw0SlFGNzZUVVpTIiwibmFtZSI6ImFjYyIsInN1YiI6IkFCVkpGUUxLWFN"
    "INVRCV0FBVFpPS1pBQTJTUFczWENLNlpQRzIyWVM3N1RDRDRZUlM1SjNWQVlLIiwibmF0cyI6eyJ0eXBlIjoiYWNjb3V"
    "udCIsInZlcnNpb24iOjIsImxpbWl0cyI6eyJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOi0xLCJpbXBvcnRzIjo"
    "tMSwiZXhwb3J0cyI6LTEsIndpbGRjYXJkcyI6dHJ1ZSwiY29ubiI6LTEsImxlYWYiOi0xfX0sImp0aSI6IlZINUFINEx"
    "KNzJXWlU1VU9ETk8yNDJXUEdCSjJQT0dLU0dHVlo0WUdMUjZFTTY3RlNJTEEifQ.iNp0PqABddhE-7TZCEvKt39H1Q8v"
    "qjcXi7Hn1hB7i9X4QRU0DEAjtAvB0mEaJLGmBq0z9KI2zAClCvySoN4TDA }\n";

// A file of credentials, as nsc writes it.
inline constexpr const char* kUserCredentials =
    "-----BEGIN NATS USER JWT-----\n"
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJpYXQiOjE3MDAwMDAwMDAsImlzcyI6IkFCVkpGUUxLW"
    "FNINVRCV0FBVFpPS1pBQTJTUFczWENLNlpQRzIyWVM3N1RDRDRZUlM1SjNWQVlLIiwibmFtZSI6InVzZXIiLCJzdWIiO"
    "iJVQ0lJU0RUUlBBRUtCT0xIN0VCT0gzTE5CTjZCWUdIQkFNNzY1UkJHTko3NTZNM1lNSTdLSFVVUCIsIm5hdHMiOnsid"
    "HlwZSI6InVzZXIiLCJ2ZXJzaW9uIjoyLCJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOi0xfSwianRpIjoiWkhMU"
    "TVKNlFZUkZNRkVUSVpBWk9KNEEyWExDQTdJRUkyNkc2UFI3NVo3NklOUEE2SFlOQSJ9.gq2U3ST6Iw8xxJje-Sb_7NzU"
    "fPUi776pzUtesH7IoGdqB9oEPsVOo7pqwmkqCjhqK48ntOL876TGzrZPJBqDBQ\n"
    "------END NATS USER JWT------\n"
    "\n"
    "-----BEGIN USER NKEY SEED-----\n"
    "SUAKXWWU5ETID4SB4EB4CTL4VL4MMTJ5AFHTODX236W2R2C7DNCJ6GDEGQ\n"
    "------END USER NKEY SEED------\n";

// The same user's key and its seed, for servers that know keys only.
inline constexpr const char* kUserKey = "UCIISDTRPAEKBOLH7EBOH3LNBN6BYGHBAM765RBGNJ756M3YMI7KHUUP";
inline constexpr const char* kUserSeed =
    "SUAKXWWU5ETID4SB4EB4CTL4VL4MMTJ5AFHTODX236W2R2C7DNCJ6GDEGQ";

}  // namespace nimbus::nats
