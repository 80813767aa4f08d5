# Hostile requests, by category: read by t/80-hostile.t. Each is
#   { group, name, bytes, expect => [ what each answer must be ], half => 1 when the request ends before its time }.
# What an answer must be: a status and who says it: an error code of ours ("422 validation_error"), "httpd" (its own
# page), nothing for a success; alternatives with "|". "closed": the connection ends without an answer. "0.9": an
# answer without a head. Names of a group are unique.
use strict;
use warnings;

my ($group, @cases);

sub case {
    my ($name, $expect, $bytes, %more) = @_;
    push @cases, { group => $group, name => $name, expect => ref $expect ? $expect : [$expect], bytes => $bytes, %more };
    return;
}

# A request with a body of its own length; headers are whole lines.
sub request_of {
    my ($method, $target, $headers, $body) = @_;
    my @lines = ("$method $target HTTP/1.1", 'Host: 127.0.0.1', @$headers);
    push @lines, 'Content-Length: ' . length $body if defined $body;
    return join("\r\n", @lines) . "\r\n\r\n" . ($body // '');
}

my $JSON = 'Content-Type: application/json';
my $GOOD = '{"message":"Hello"}';

sub body {
    my ($name, $expect, $json, $path) = @_;
    return case($name, $expect, request_of('POST', $path // '/chat', [$JSON], $json));
}

# A good chat with these header lines more.
sub header {
    my ($name, $expect, @lines) = @_;
    return case($name, $expect, request_of('POST', '/chat', [ $JSON, @lines ], $GOOD));
}

# A text as it can be a name.
sub shown {
    my ($text, $length) = @_;
    return substr($text, 0, $length // 40) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

sub raw { my ($name, $expect, $bytes, %more) = @_; return case($name, $expect, $bytes, %more) }

my $INVALID = '422 validation_error';

# ---- JSON: numbers ----

my @numbers = ('0', '-0', '-0.0', '0e0', '1', '1e0', '1E+2', '1e-2', '0.1', '1e999', '-1e999', '1e-999', '1e2147483648',
    '1e-99999999999999999999', '5e-324', '1.7976931348623157e309', '9223372036854775807', '9223372036854775808',
    '-9223372036854775809', '18446744073709551616', '9' x 400, '0.' . '3' x 400, '1' . '0' x 400, '1e0000001');
my @no_numbers = ('01', '-01', '00', '+1', '.5', '-.5', '1.', '1.e3', '1e', '1e+', '1e5.5', '1..2', '1.2.3', '-', '--1', '1-',
    '0x10', '0b1', '0o7', '1_000', '1 2', '1f', '1L', '1n', 'NaN', 'nan', '-NaN', 'Infinity', '-Infinity', 'inf', '1/2',
    "\xd9\xa1", "\xef\xbc\x91", '1' . "\0", '$1');
my %where = ('a member' => '{"message":"a","n":%s}', 'in a list' => '{"message":"a","n":[%s]}', 'in an object' => '{"message":"a","o":{"n":%s}}');
for my $place (sort keys %where) {
    $group = "number, $place";
    my $number = 0;
    body('good ' . ++$number . ' ' . substr($_, 0, 24), '200', $where{$place} =~ s/%s/$_/r) for @numbers;
    body('bad ' . ++$number . ' ' . shown($_), $INVALID, $where{$place} =~ s/%s/$_/r) for @no_numbers;
}
$group = 'number alone';
body($_, $INVALID, $_) for grep { length $_ < 100 } @numbers, @no_numbers;

# ---- JSON: depth ----

$group = 'depth';
for my $depth (1, 10, 30, 31, 32, 33, 100, 1000, 10000, 30000) {
    my $expect = $depth < 32 ? '200' : $INVALID;
    body("$depth lists", $expect, '{"message":"a","x":' . '[' x $depth . ']' x $depth . '}');
    body("$depth objects", $depth < 31 ? '200' : $INVALID, '{"message":"a","x":' . '{"a":' x $depth . '1' . '}' x $depth . '}')
        if $depth < 10000;
    body("$depth lists without end", $INVALID, '{"message":"a","x":' . '[' x $depth);
    body("$depth objects without end", $INVALID, '{"a":' x $depth) if $depth < 10000;
    body("$depth lists as the whole", $INVALID, '[' x $depth . ']' x $depth);
    body("$depth ends without a beginning", $INVALID, $GOOD . ']' x $depth);
}
body('10000 members', '200', '{"message":"a",' . join(',', map { qq("m$_":0) } 1 .. 5000) . '}');
body('20000 items', '200', '{"message":"a","x":[' . join(',', (0) x 20000) . ']}');

# ---- JSON: encodings ----

my %not_utf8 = (
    'overlong slash, two bytes' => "\xc0\xaf", 'overlong slash, three' => "\xe0\x80\xaf", 'overlong slash, four' => "\xf0\x80\x80\xaf",
    'overlong slash, five' => "\xf8\x80\x80\x80\xaf", 'overlong slash, six' => "\xfc\x80\x80\x80\x80\xaf",
    'overlong NUL' => "\xc0\x80", 'overlong quote' => "\xc0\xa2", 'overlong U+07FF' => "\xe0\x9f\xbf", 'overlong U+FFFF' => "\xf0\x8f\xbf\xbf",
    'first surrogate' => "\xed\xa0\x80", 'last surrogate' => "\xed\xbf\xbf", 'a pair of surrogates' => "\xed\xa0\xbd\xed\xb8\x80",
    'above U+10FFFF' => "\xf4\x90\x80\x80", 'F5' => "\xf5\x80\x80\x80", 'FE' => "\xfe", 'FF' => "\xff", 'lone continuation' => "\x80",
    'two continuations' => "\xbf\xbf", 'cut after one of two' => "\xc3", 'cut after one of three' => "\xe2", 'cut after two of three' => "\xe2\x82",
    'cut after three of four' => "\xf0\x9f\x98", 'cut, then ASCII' => "\xe2\x82a", 'Latin-1' => "caf\xe9", 'Windows-1252 quote' => "\x93a\x94",
    'Shift-JIS' => "\x83\x65\x83\x58\x83\x67", 'GBK' => "\xc4\xe3\xba\xc3",
);
my %text_at = ('message' => '{"message":"%s"}', 'a name' => '{"message":"a","%s":1}', 'another member' => '{"message":"a","x":"%s"}',
    'user_id' => '{"message":"a","user_id":"%s"}', 'outside strings' => '{"message":"a"}%s');
for my $place (sort keys %text_at) {
    $group = "not UTF-8, $place";
    body($_, $INVALID, $text_at{$place} =~ s/%s/$not_utf8{$_}/r) for sort keys %not_utf8;
}
$group = 'characters that are text';
my %text = ('U+FFFE' => "\xef\xbf\xbe", 'U+FFFF' => "\xef\xbf\xbf", 'U+10FFFF' => "\xf4\x8f\xbf\xbf", 'a BOM inside' => "\xef\xbb\xbf",
    'right-to-left override' => "\xe2\x80\xae", 'U+2028' => "\xe2\x80\xa8", 'DEL' => "\x7f", 'C1 control' => "\xc2\x85",
    'combining characters' => "e\xcc\x81" x 500, 'escaped NUL' => 'a\u0000b', 'escaped line breaks' => 'a\r\nSet-Cookie: x=1\r\n\r\nb',
    'escaped pair' => '\ud83d\ude00', 'escaped in upper case' => '\uD83D\uDE00', 'every escape' => '\"\\\\\/\b\f\n\r\t\u0041',
        'escaped U+FFFF' => '\uffff');
for my $name (sort keys %text) {
    body($name, '200', qq({"message":"$text{$name}"}));
    body("$name, elsewhere", '200', qq({"message":"a","x":["$text{$name}"]}));
}
$group = 'escapes that are none';
my %bad_escape = ('x' => '\x41', 'braces' => '\u{41}', 'short' => '\u12', 'no hex' => '\u12G4', 'U' => '\U0001F600', 'quote' => q(\'), 'a' => '\a',
    'octal' => '\012', 'NUL' => '\0', 'blank' => '\ ', 'line break' => "\\\n", 'at the end' => '\\', 'high surrogate' => '\ud83d',
        'low surrogate' => '\ude00',
    'high, then a letter' => '\ud83da', 'high, then another escape' => '\ud83d\n', 'two high' => '\ud83d\ud83d', 'low, then high' => '\ude00\ud83d',
    'high, then a short one' => '\ud83d\ude', 'sign' => '\u-123', 'blank in it' => '\u 123');
for my $place (grep { $_ ne 'outside strings' } sort keys %text_at) {
    body("$_, $place", $INVALID, $text_at{$place} =~ s/%s/$bad_escape{$_}/r) for sort keys %bad_escape;
}
$group = 'raw control characters';
body(sprintf('%02x in a string', $_), $INVALID, '{"message":"a' . chr($_) . 'b"}') for 0 .. 31;
body(sprintf('%02x between tokens', $_), chr($_) =~ /[\t\r\n ]/ ? '200' : $INVALID, '{"message":' . chr($_) . '"a"}') for 0 .. 32, 127;
$group = 'other encodings';
my %wide = ('UTF-16LE' => sub { join '', map { "$_\0" } split //, $_[0] }, 'UTF-16BE' => sub { join '', map { "\0$_" } split //, $_[0] },
    'UTF-32LE' => sub { join '', map { "$_\0\0\0" } split //, $_[0] }, 'UTF-32BE' => sub { join '', map { "\0\0\0$_" } split //, $_[0] });
my %mark = ('UTF-16LE' => "\xff\xfe", 'UTF-16BE' => "\xfe\xff", 'UTF-32LE' => "\xff\xfe\0\0", 'UTF-32BE' => "\0\0\xfe\xff");
for my $name (sort keys %wide) {
    body($name, $INVALID, $wide{$name}->($GOOD));
    body("$name with its mark", $INVALID, $mark{$name} . $wide{$name}->($GOOD));
}
body('UTF-8 with a BOM', $INVALID, "\xef\xbb\xbf$GOOD");
body('UTF-7', $INVALID, '+AHsAIgBt-');
body('a NUL behind it', $INVALID, "$GOOD\0");
body('a NUL in front', $INVALID, "\0$GOOD");
for my $blank ("\xc2\xa0", "\xe2\x80\xa8", "\xe3\x80\x80", "\xe2\x80\x8b", "\xef\xbb\xbf") {
    body('a blank that is none: ' . unpack('H*', $blank), $INVALID, qq({$blank"message":"a"}));
}

# ---- JSON: grammar ----

$group = 'grammar';
my %not_json = (
    'a blank body' => ' ', 'line breaks' => "\r\n\r\n", 'a brace' => '{', 'an end' => '}', 'a quote' => '"', 'a comma' => ',', 'a colon' => ':',
    'no value' => '{"message":}', 'no colon' => '{"message" "a"}', 'two colons' => '{"message"::"a"}', 'trailing comma' => '{"message":"a",}',
    'two commas' => '{"message":"a",,"x":1}', 'leading comma' => '{,"message":"a"}', 'a comma in a list' => '{"message":"a","x":[1,]}',
    'only a comma in a list' => '{"message":"a","x":[,]}', 'equals' => '{"message"="a"}',
        'single quotes' => q({'message':'a'}), 'no quotes' => '{message:"a"}',
    'back quotes' => '{"message":`a`}', 'typographic quotes' => "{\xe2\x80\x9cmessage\xe2\x80\x9d:\"a\"}",
        'a number as name' => '{1:"a","message":"a"}',
    'null as name' => '{null:1,"message":"a"}', 'a list as name' => '{[]:1,"message":"a"}',
        'two documents' => $GOOD . $GOOD, 'two lines' => "$GOOD\n$GOOD",
    'text behind it' => "$GOOD x", 'an end too many' => "$GOOD}", 'a list behind it' => "$GOOD []", 'comment behind' => "$GOOD // c",
    'comment in front' => "/* c */$GOOD", 'comment inside' => '{/**/"message":"a"}', 'hash comment' => "# c\n$GOOD", 'wrong end' => '{"message":"a"]',
    'crossed ends' => '{"message":"a","x":[}]', 'cut name' => '{"mess', 'cut text' => '{"message":"a', 'cut escape' => '{"message":"a\\',
        'cut literal' => '{"message":"a","x":tru',
    'cut list' => '{"message":"a","x":[1', 'TRUE' => '{"message":"a","x":TRUE}', 'True' => '{"message":"a","x":True}',
        'None' => '{"message":"a","x":None}',
    'undefined' => '{"message":"a","x":undefined}', 'nullx' => '{"message":"a","x":nullx}', 'truefalse' => '{"message":"a","x":truefalse}',
        'NULL' => 'NULL',
    'strings side by side' => '{"message":"a" "b"}', 'a sum' => '{"message":"a"+"b"}', 'a call' => 'f({"message":"a"})',
        'JSONP guard' => ")]}'\n$GOOD", 'while(1)' => "while(1);$GOOD",
    'XML' => '<?xml version="1.0"?><message>a</message>', 'XML entities' => '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        'YAML' => "message: a\n",
    'a form' => 'message=a&session_id=b', 'multipart' => "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\na\r\n--x--\r\n",
        'gzip magic' => "\x1f\x8b\x08\0\0\0\0\0",
    'BSON' => "\x16\0\0\0\x02message\0\x02\0\0\0a\0\0", 'MessagePack' => "\x81\xa7message\xa1a", 'CBOR' => "\xa1\x67message\x61a",
        'an HTTP request' => "GET / HTTP/1.1\r\n\r\n",
    'a here-document of NULs' => "\0" x 1000, 'all bytes' => join('', map { chr } 0 .. 255), 'format directives' => '%s%n%x', 'a shell' => '$(id)',
        'long line of quotes' => '"' x 5001,
    'long line of backslashes' => '"' . '\\' x 5001, 'braces' => '{' x 5000, 'braces and ends' => '{}' x 5000, 'commas' => '[' . ',' x 5000 . ']',
);
body($_, $INVALID, $not_json{$_}) for sort keys %not_json;
body("no object: $_", $INVALID, $_) for '[]', '[{"message":"a"}]', '"message"', '""', 'true', 'false', 'null', '{}', '[[]]', '[null]';
body('an empty body', $INVALID, '');

$group = 'members twice, or unknown';
body('the last one counts', '200', '{"message":"","message":"b"}');
body('the last one is wrong', $INVALID, '{"message":"a","message":""}');
body('then null', $INVALID, '{"message":"a","message":null}');
body('then a number', $INVALID, '{"message":"a","message":1}');
body('once escaped', $INVALID, '{"message":"a","\u006dessage":1}');
body('a name only escaped', '200', '{"\u006dessage":"a"}');
body('session_id, the last wrong', $INVALID, '{"message":"a","session_id":"ok","session_id":"../x"}');
body('session_id, the first wrong', '200', '{"message":"a","session_id":"../x","session_id":"ok-1"}');
body('1000 times', '200', '{' . join(',', ('"message":"a"') x 1000) . '}');
body("name with NUL: $_", $INVALID, qq({"$_":"a"})) for '\u0000message', 'mess\u0000age';
body("name with NUL behind it: $_", $INVALID, qq({"$_":"a"})) for 'message\u0000', 'message\u0000x';
body("other case: $_", $INVALID, qq({"$_":"a"})) for 'Message', 'MESSAGE', ' message', 'message ', 'messag', 'messages', '', "m\xc3\xa9ssage";
body("unknown: $_", '200', qq({"message":"a","$_":{"a":[1,2,{"b":null}]}})) for '__proto__', 'constructor', 'toString', '__class__', '$where', '$ref',
    'a.b', '',
    'agentId', 'agentAliasId', 'sessionState', 'endSession', 'enableTrace', 'bucket', 'key', 'region', 'x' x 5000;

# ---- types of members ----

my %value = (null => 'null', true => 'true', false => 'false', zero => '0', one => '1', two => '2', minus => '-1', half => '1.5',
    'one point zero' => '1.0', huge => '1e999',
    'big integer' => '9' x 40, 'empty text' => '""', 'a blank' => '" "', list => '[]', object => '{}', 'list of text' => '["a"]',
        'list of null' => '[null]', 'object of text' => '{"a":"b"}',
    'list of lists' => '[[[]]]', 'date' => '"2024-01-01"', 'word true' => '"true"', 'word off' => '"OFF"', 'word maybe' => '"maybe"');
my %fits = (
    message    => sub { $_[0] =~ /^"."|^".{2,}"$/s },
    session_id => sub { $_[0] eq 'null' || $_[0] =~ /^"[0-9A-Za-z._:-]{2,100}"$/ },
    user_id    => sub { $_[0] eq 'null' || $_[0] =~ /^"/ },
    stream     => sub { $_[0] =~ /^(?:null|true|false|0|1|"true"|"OFF")$/ },
    files      => sub { $_[0] =~ /^(?:null|\[\])$/ },
);
for my $member (sort keys %fits) {
    $group = "type of $member";
    for my $name (sort keys %value) {
        my $first = $member eq 'message' ? '' : '"message":"a",';
        my $expect = $fits{$member}->($value{$name}) ? '200' : $INVALID;
        $expect = "200|$INVALID" if $member eq 'stream' && $name eq 'one point zero';
        body($name, $expect, "{$first\"$member\":$value{$name}}");
    }
}
my %file = (name => '"a.txt"', media_type => '"text/plain"', data => '"YQ=="');
for my $part (sort keys %file) {
    $group = "type of a file's $part";
    for my $name (sort keys %value) {
        next if $part eq 'name' && $value{$name} =~ /^"./;
        my $file = join ',', map { qq("$_":) . ($_ eq $part ? $value{$name} : $file{$_}) } sort keys %file;
        # Four letters are base64.
        body($name, $part eq 'data' && $name eq 'word true' ? '200|422 validation_error' : $INVALID, qq({"message":"a","files":[{$file}]}));
    }
}
$group = 'files';
my %bad_file = ('a slash in the name' => '"name":"../../etc/passwd"', 'a backslash' => '"name":"..\\\\x"', 'a NUL' => '"name":"a\u0000b"',
    'a line break' => '"name":"a\r\nX: y"', 'a DEL' => '"name":"a\u007f"',
    'a long name' => '"name":"' . 'x' x 256 . '"', 'no slash in the type' => '"media_type":"text"', 'two slashes' => '"media_type":"a/b/c"',
        'a line break in the type' => '"media_type":"a/b\r\nX: y"',
    'a type with parameters' => '"media_type":"text/plain; charset=x"', 'a long type' => '"media_type":"a/' . 'x' x 200 . '"',
        'no base64' => '"data":"***"', 'base64url' => '"data":"_-8="', 'no padding' => '"data":"YQ"',
    'padding inside' => '"data":"Y=Q="', 'line breaks in base64' => '"data":"YW\nJj"', 'padding only' => '"data":"===="');
for my $name (sort keys %bad_file) {
    my %parts = map { $_ => qq("$_":$file{$_}) } keys %file;
    my ($part) = $bad_file{$name} =~ /^"(\w+)"/;
    $parts{$part} = $bad_file{$name};
    body($name, $INVALID, '{"message":"a","files":[{' . join(',', map { $parts{$_} } sort keys %parts) . '}]}');
}
body('six files', $INVALID, '{"message":"a","files":[' . join(',', ('{"name":"a","media_type":"a/b","data":"YQ=="}') x 6) . ']}');
body('10000 files', $INVALID, '{"message":"a","files":[' . join(',', ('{}') x 10000) . ']}');
body('bucket and key of the client\'s', $INVALID, '{"message":"a","files":[{"bucket":"b","key":"k","s3":"s3://b/k"}]}');

# ---- ids ----

my @ids = ('..', '.', '...', 'a/b', '../x', '..\\\\x', 'a b', ' a', 'a ', 'a%2fb', '%2e%2e', 'a%00', 'a\u0000b', 'a\r\nb', 'a\nb', 'a\tb', 'a;b',
    'a,b', "a'b", 'a\"b', 'a`b', 'a$b', 'a|b', 'a&b', 'a=b', 'a?b', 'a#b',
    'a+b', 'a~b', 'a*b', 'a(b)', 'a{b}', 'a[b]', 'a<b>', '<script>', '${jndi:ldap://x}', '{{7*7}}', "' OR 1=1--", '\u202e1', "\xc3\xa91",
        "\xef\xbc\x8e\xef\xbc\x8e", 'x' x 101, 'x' x 5000, 'x',
    'con', 'NUL', '-rf', '--', '::', '._', ':-', 'a.b', 'x' x 100, '0:0', 'user-1', '0');
$group = 'session_id';
for my $id (@ids) {
    body(substr($id, 0, 30) . ' ' . length $id, $id =~ /^[0-9A-Za-z._:-]{2,100}$/ && $id ne '..' ? '200' : $INVALID, qq({"message":"a","session_id":"$id"}));
}
$group = 'session in the path';
my $NONE = '404 session_not_found';
my @paths = ('', '/', '/..', '/.', '/....', '/x/..', '/x/../y', '//x', '/x/', '/x/y', '/%2e%2e', '/%2e%2e%2fchat', '/..%2f..%2fetc%2fpasswd',
    '/a%2fb', '/a%252fb', '/a%20b', '/a%0d%0aSet-Cookie:%20x=1', '/a%0ab', '/a%00', '/%00',
    '/a%', '/a%2', '/a%zz', '/%c0%ae', '/%c0%af', '/%ff', '/%u0041', '/a;b', '/a,b', "/a'b", '/a"b', '/a<b>', '/a|b', '/a\\b', '/a^b', '/a`b',
        '/a{b}', '/a$b', '/a&b', '/a=b', '/a+b', '/a~b', '/a*b', '/a(b)', '/a!b', '/a@b', '/a:b', "/\xc3\xa9", "/\xff",
    '/' . 'y' x 100, '/' . 'x' x 101, '/' . 'x' x 7000, '/' . '../' x 500, '/' . '%2e%2e/' x 300, '/none-such', '/NONE', '/x?', '/x?user_id=',
        '/x?user_id=%00', '/x?user_id=%0d%0aX:%20y', '/x?user_id=%ff', '/x?user_id=a&user_id=b', '/x?user_id', '/x?&&&===',
    '/x?' . 'a=b&' x 1500, '/x?user_id=' . 'y' x 7000, '/x?user_id=%', '/x#y');
for my $path (@paths) {
    for my $method ('GET', 'DELETE') {
        raw("$method " . shown($path) . ' ' . length $path, "$NONE|400 httpd|404 httpd|405 httpd|403 httpd", request_of($method, "/sessions$path",
            []));
    }
}
raw('GET of what was said before', '200', request_of('GET', '/sessions/' . 'x' x 100, []));

# ---- headers ----

my %odd = ('empty' => '', 'blanks' => "  \t ", 'long' => 'x' x 7000, '8-bit' => "\xe9\xff", 'UTF-8' => "\xe2\x82\xac", 'a tab' => "a\tb",
    'percent CRLF' => 'a%0d%0aX-Injected: 1', 'escaped CRLF' => 'a\r\nX-Injected: 1', 'quotes' => '"a\'`', 'markup' => '<script>alert(1)</script>',
    'format' => '%s%n%d%x', 'expression' => '%{HTTP:Host}${jndi:ldap://x}', 'dots' => '../../etc/passwd', 'commas' => ',,,;;;',
        'a valid id' => 'abc-123.X_9', 'other break' => "a\xc2\x85X-Injected: 1", 'line separator' => "a\xe2\x80\xa8X-Injected: 1");
my %broken = ('vertical tab' => "a\x0bb", 'DEL' => "a\x7fb", 'a bare CR' => "a\rX-Injected: 1", 'a bare LF' => "a\nX-Injected: 1", 'a NUL' => "a\0b",
    'folded' => "a\r\n X-Injected: 1", 'folded with a tab' => "a\r\n\tX-Injected: 1", 'CR CR LF' => "a\r\r\nX-Injected: 1", 'ESC' => "a\x1b[2J",
    'BEL' => "a\x07");
for my $name ('X-Request-ID', 'X-Session-Id', 'Origin', 'Accept', 'traceparent', 'X-Amzn-Trace-Id', 'User-Agent', 'Referer', 'Cookie',
    'Authorization', 'X-Forwarded-For', 'Accept-Encoding', 'Access-Control-Request-Headers') {
    $group = "header $name";
    header($_, '200', "$name: $odd{$_}") for sort keys %odd;
    # httpd refuses control characters; a bare LF ends a line for it, as RFC 9112, 2.2 allows.
    header($_, '200|400 httpd', "$name: $broken{$_}") for sort keys %broken;
    header('twice', '200', "$name: a", "$name: b");
    header('200 times', '400 httpd', map { "$name: $_" } 1 .. 200);
}
$group = 'header lines';
header('no colon', '400 httpd', 'NoColon');
header('a blank before the colon', '400 httpd', 'X-A : b');
header('a tab before the colon', '400 httpd', "X-A\t: b");
header('no name', '400 httpd', ': b');
header('a blank in front', '200|400 httpd', ' X-A: b');
header('8-bit name', '400 httpd', "X-\xe9: b");
header('a NUL in a name', '400 httpd', "X-\0A: b");
header('a quote in a name', '400 httpd', 'X-"A: b');
header('a slash in a name', '400 httpd', 'X/A: b');
header('a long name', '200', 'X-' . 'a' x 5000 . ': b');
header('a long value', '400 httpd', 'X-A: ' . 'b' x 8300);
header('a very long value', '400 httpd', 'X-A: ' . 'b' x 70000);
header('90 headers', '200', map { "X-A$_: b" } 1 .. 90);
header('200 headers', '400 httpd', map { "X-A$_: b" } 1 .. 200);
header('lower case all', '200', 'x-request-id: abc', 'accept: */*');

$group = 'Content-Type';
my %type = ('application/json' => '200', 'Application/JSON' => '200', 'application/json;charset=utf-8' => '200',
    'application/json; charset="UTF-8"' => '200', 'application/json ; charset=utf8' => '200',
    'application/vnd.api+json' => '200', 'application/problem+json; x=y' => '200', 'application/json;' => '200',
        'application/json; charset=utf-8; a=b' => '200', 'application/json; boundary=x' => '200');
$type{$_} = '415 unsupported_media_type' for '', ' ', 'text/plain', 'text/json', 'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x', 'application/xml', 'application/jsonp', 'application/json2', 'xapplication/json', 'application/ json',
    'application', 'json', '/json', 'application/', '+json', 'application/+jso',
    '*/*', 'application/json, text/plain', 'application/json; charset=utf-16', 'application/json; charset=latin1', 'application/json; charset=',
        'application/json; charset=utf-8x', 'text/html', 'application/octet-stream', "application/json\xff", 'x' x 5000, 'image/svg+json';
$type{'application/json charset=utf-8'} = '200|415 unsupported_media_type';
for my $type (sort keys %type) {
    case(shown($type) . ' ' . length $type, $type{$type}, request_of('POST', '/chat', ["Content-Type: $type"], $GOOD));
}
case('none', '415 unsupported_media_type', request_of('POST', '/chat', [], $GOOD));
case('two', '200|415 unsupported_media_type', request_of('POST', '/chat', [ $JSON, 'Content-Type: text/plain' ], $GOOD));
case('two, the other first', '415 unsupported_media_type', request_of('POST', '/chat', [ 'Content-Type: text/plain', $JSON ], $GOOD));

$group = 'Content-Encoding';
header($_, '415 unsupported_media_type', "Content-Encoding: $_") for 'gzip', 'deflate', 'br', 'compress', 'zstd', 'x-gzip', 'gzip, identity',
    'identity, gzip', 'identity, identity', 'GZIP', 'unknown', 'aws-chunked', '*';
header('identity', '200', 'Content-Encoding: identity');
header('Identity', '200', 'Content-Encoding: Identity');
header('none named', '200|415 unsupported_media_type', 'Content-Encoding:');
case('a real gzip body', '415 unsupported_media_type', request_of('POST', '/chat',
    [ $JSON, 'Content-Encoding: gzip' ], "\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\xca\x4d\x2d\x2e\x4e\x4c\x4f\x55\xb2\x52\xf2\x48\xcd\xc9\xc9\x57\xaa\x05\0\xf4\xf3\xb6\x6b\x13\0\0\0"));
case('Content-Language, -Location, -MD5, -Disposition', '200', request_of('POST', '/chat', [ $JSON, 'Content-Language: en',
    'Content-Location: http://x/', 'Content-MD5: x', 'Content-Disposition: attachment; filename=../x' ], $GOOD));

# ---- framing ----

sub framed { my ($headers, $rest) = @_; return join("\r\n", 'POST /chat HTTP/1.1', 'Host: 127.0.0.1', $JSON, @$headers) . "\r\n\r\n$rest" }
my $LENGTH   = length $GOOD;
my $SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

$group = 'Content-Length';
raw('the same twice', '200|400 httpd', framed([ ("Content-Length: $LENGTH") x 2 ], $GOOD));
raw('two that differ', '400 httpd|400 bad_request', framed([ "Content-Length: $LENGTH", 'Content-Length: 0' ], $GOOD));
raw('two that differ, the longer last', '400 httpd|400 bad_request', framed([ 'Content-Length: 0', "Content-Length: $LENGTH" ], $GOOD));
for my $value ('-1', '+19', '19, 19', '19,20', '0x13', '19.0', '1e1', '19a', 'a', '""', '19;', '1 9', '99999999999999999999', '18446744073709551616',
    '9223372036854775808', '-9223372036854775808', "19\0", "\xb2") {
    raw('value ' . shown($value), '400 httpd|400 bad_request|413 body_too_large|413 httpd', framed(["Content-Length: $value"], $GOOD));
}
raw('empty', "400 httpd|400 bad_request|$INVALID", framed(['Content-Length:'], $GOOD), half => 1);
raw('leading zeros', '200', framed([ 'Content-Length: 000' . $LENGTH ], $GOOD));
raw('9223372036854775807', '413 body_too_large', framed(['Content-Length: 9223372036854775807'], $GOOD));
raw('too short: the rest is no request', [ $INVALID, '400 httpd' ], framed([ 'Content-Length: ' . ($LENGTH - 3) ], $GOOD . "\r\n\r\n"));
raw('too long', '400 bad_request', framed([ 'Content-Length: ' . ($LENGTH + 1) ], $GOOD), half => 1);
raw('none, but a body', [ $INVALID, '400 httpd' ], framed([], "$GOOD\r\n\r\n"));
raw('a request behind it', [ '200', '404 httpd' ], framed(["Content-Length: $LENGTH"], $GOOD . $SMUGGLED));
raw('nothing of it comes', '400 bad_request', framed(["Content-Length: $LENGTH"], ''), half => 1);
raw('over the limit by one', '413 body_too_large', framed(['Content-Length: 65537'], '{"message":"' . 'x' x 65523 . '"}'));
raw('at the limit', $INVALID, framed(['Content-Length: 65536'], '{"message":"' . 'x' x 65522 . '"}'));

$group = 'Transfer-Encoding';
my $CHUNKED = sprintf("%x\r\n%s\r\n0\r\n\r\n", $LENGTH, $GOOD);
raw('chunked', '200', framed(['Transfer-Encoding: chunked'], $CHUNKED));
raw('in capitals', '200', framed(['Transfer-Encoding: CHUNKED'], $CHUNKED));
# RFC 9112, 6.1 and 6.3: the last coding is chunked, or the request is refused and the connection closed.
for my $value ('identity', 'gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'chunked, identity', 'identity, chunked', 'xchunked',
    'chunkedx', 'chunked;q=1', '"chunked"', 'chunked,', ',chunked', 'x', '', "\x0bchunked", "chunked\0", "chunk\xe9d", 'chunked chunked') {
    raw('value ' . shown($value), '400 httpd|400 bad_request|501 httpd', framed(["Transfer-Encoding: $value"], $CHUNKED));
}
raw('with Content-Length', '200|400 httpd|400 bad_request', framed([ "Content-Length: $LENGTH", 'Transfer-Encoding: chunked' ], $CHUNKED));
raw('with Content-Length behind it', '200|400 httpd|400 bad_request', framed([ 'Transfer-Encoding: chunked', "Content-Length: $LENGTH" ], $CHUNKED));
raw('TE.CL', '200|400 httpd|400 bad_request', framed([ 'Transfer-Encoding: chunked', 'Content-Length: 4' ], $CHUNKED . $SMUGGLED));
raw('CL.TE', '400 httpd|400 bad_request|422 validation_error',
    framed([ 'Content-Length: ' . (5 + length $SMUGGLED), 'Transfer-Encoding: chunked' ], "0\r\n\r\n$SMUGGLED"));
raw('CL.TE with an obscured TE', '400 httpd|400 bad_request|501 httpd|422 validation_error',
    framed([ 'Content-Length: ' . (5 + length $SMUGGLED), 'Transfer-Encoding: xchunked' ], "0\r\n\r\n$SMUGGLED"));
raw('TE with a blank before the colon', '400 httpd', framed([ "Content-Length: $LENGTH", 'Transfer-Encoding : chunked' ], $CHUNKED));
raw('TE folded', '200|400 httpd|400 bad_request', framed(["Transfer-Encoding:\r\n chunked"], $CHUNKED));
raw('TE twice', '400 httpd|400 bad_request|501 httpd', framed([ 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked' ], $CHUNKED));
raw('TE twice, identity last', '400 httpd|400 bad_request|501 httpd', framed([ 'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity' ], $CHUNKED));
raw('Transfer_Encoding', [ $INVALID, '400 httpd' ], framed(['Transfer_Encoding: chunked'], $CHUNKED));
raw('in HTTP/1.0', '200|400 httpd|400 bad_request|422 validation_error|411 httpd',
    "POST /chat HTTP/1.0\r\nHost: a\r\n$JSON\r\nTransfer-Encoding: chunked\r\n\r\n$CHUNKED");

$group = 'chunks';
sub chunks { my ($name, $expect, $bytes, %more) = @_; return raw($name, $expect, framed(['Transfer-Encoding: chunked'], $bytes), %more) }
my $HEX = sprintf '%x', $LENGTH;
my $BAD = '400 bad_request|400 httpd|413 body_too_large|413 httpd';
chunks('one byte each', '200', join('', map { "1\r\n$_\r\n" } split //, $GOOD) . "0\r\n\r\n");
chunks('an extension', '200', "$HEX;a=b\r\n$GOOD\r\n0\r\n\r\n");
chunks('a quoted extension', '200', "$HEX;a=\"b;c\"\r\n$GOOD\r\n0;z\r\n\r\n");
chunks('extensions without names', "200|$BAD", "$HEX;;;\r\n$GOOD\r\n0\r\n\r\n");
chunks('a line break in a quoted extension', "200|$BAD", "$HEX;a=\"\r\n$GOOD\r\n0\r\n\r\n");
chunks('a long extension', "200|$BAD", "$HEX;" . 'a' x 5000 . "\r\n$GOOD\r\n0\r\n\r\n");
chunks('an extension of 70 KB', "200|$BAD", "$HEX;" . 'a' x 70000 . "\r\n$GOOD\r\n0\r\n\r\n");
chunks('a NUL in an extension', "200|$BAD", "$HEX;a\0b\r\n$GOOD\r\n0\r\n\r\n");
chunks('blanks behind the size', "200|$BAD", "$HEX  \r\n$GOOD\r\n0\r\n\r\n");
chunks('leading zeros', "200|$BAD", "00000000$HEX\r\n$GOOD\r\n0\r\n\r\n");
chunks('5000 leading zeros', "200|$BAD", '0' x 5000 . "$HEX\r\n$GOOD\r\n0\r\n\r\n");
chunks('capitals', '200', sprintf("%X\r\n%s\r\n0\r\n\r\n", $LENGTH, $GOOD));
chunks('many zeros at the end', '200', "$HEX\r\n$GOOD\r\n00000\r\n\r\n");
chunks("size '" . shown($_) . "'", $BAD, "$_\r\n$GOOD\r\n0\r\n\r\n", half => 1)
    for 'g', '', ' ', '-1', '+13', '0x13', '13h', '1 3', ' 13', "\t13", "13\0", ',13', ';a', 'ffffffffffffffff', '10000000000000000',
        'fffffffffffffffff', '7fffffffffffffff', '8000000000000000', 'f' x 100, "\xb2", '1.3', '%31';
chunks('a size over the limit, and little of it', $BAD, "20000\r\n" . 'x' x 1000, half => 1);
chunks('many chunks over the limit', '413 body_too_large', join('', ("1000\r\n" . 'x' x 4096 . "\r\n") x 20) . "0\r\n\r\n");
chunks('LF only', "200|$BAD", "$HEX\n$GOOD\n0\n\n");
chunks('CR only', $BAD, "$HEX\r$GOOD\r0\r\r", half => 1);
chunks('no line break behind the data', $BAD, "$HEX\r\n${GOOD}0\r\n\r\n", half => 1);
chunks('data too long', $BAD, "$HEX\r\n${GOOD}x\r\n0\r\n\r\n", half => 1);
chunks('data too short', $BAD, "$HEX\r\n{}\r\n0\r\n\r\n", half => 1);
chunks('no last chunk', $BAD, "$HEX\r\n$GOOD\r\n", half => 1);
chunks('half a last chunk', "200|$BAD", "$HEX\r\n$GOOD\r\n0\r\n", half => 1);
chunks('nothing', $BAD, '', half => 1);
chunks('only the last chunk', $INVALID, "0\r\n\r\n");
chunks('a trailer', '200', "$HEX\r\n$GOOD\r\n0\r\nX-A: b\r\n\r\n");
chunks('forbidden trailers', "200|$BAD", "$HEX\r\n$GOOD\r\n0\r\nContent-Length: 5\r\nHost: evil\r\nTransfer-Encoding: x\r\nX-Request-ID: evil\r\n\r\n");
chunks('a trailer without a colon', "200|$BAD", "$HEX\r\n$GOOD\r\n0\r\nnonsense\r\n\r\n");
chunks('a long trailer', "200|$BAD", "$HEX\r\n$GOOD\r\n0\r\nX-A: " . 'b' x 9000 . "\r\n\r\n");
chunks('200 trailers', "200|$BAD", "$HEX\r\n$GOOD\r\n0\r\n" . join('', map { "X-A$_: b\r\n" } 1 .. 200) . "\r\n");
chunks('a request behind it', [ '200', '404 httpd' ], "$HEX\r\n$GOOD\r\n0\r\n\r\n$SMUGGLED");
chunks('4000 chunks of one byte', $INVALID, "1\r\n[\r\n" x 4000 . "0\r\n\r\n");

# ---- the request line ----

my @methods = qw(GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND MKCOL LOCK FOO get Post chat);
push @methods, 'X' x 200, 'GET-POST', 'A!B';
my %taken = ('/chat' => 'POST', '/sessions/none-such' => 'GET HEAD DELETE', '/health' => 'GET HEAD', '/livez' => 'GET HEAD', '/readyz' => 'GET HEAD',
    '/metrics' => 'GET HEAD', '/v1/models' => 'GET HEAD', '/v1/chat/completions' => 'POST');
for my $path (sort keys %taken) {
    $group = "methods of $path";
    for my $method (@methods) {
        my $expect = '405 method_not_allowed|405 httpd|501 httpd|400 httpd';
        $expect = $path =~ /^.sessions/ ? '404' : '200' if grep { $_ eq $method } split ' ', $taken{$path};
        $expect = '415 unsupported_media_type' if $method eq 'POST' && $taken{$path} eq 'POST';
        $expect = '204' if $method eq 'OPTIONS';
        $expect = '405 method_not_allowed|400 httpd' if $method =~ /^(?:TRACE|CONNECT)$/;
        raw(substr($method, 0, 20), $expect, request_of($method, $path, []), method => $method);
    }
    raw('with a body nobody asked for', '200|404|405|415', request_of($taken{$path} eq 'POST' ? 'PUT' : 'GET', $path, [], 'x' x 1000));
}
$group = 'methods that are none';
raw(shown($_), '400 httpd|501 httpd|405 httpd|405 method_not_allowed|414 httpd|closed', "$_ /chat HTTP/1.1\r\nHost: a\r\n\r\n") for '', ' ', "PO\0ST",
    "P\xd6ST", '"POST"', 'POST,', "PO\tST", '(POST)', 'POST:', '<POST>', 'X' x 9000, '{}', '/', "\x16\x03\x01\x02";

$group = 'targets';
my $OTHER = '400 httpd|403 httpd|404 httpd|405 httpd|404|414 httpd';
my %target = ('/chat?' => '200', '/chat?message=a&session_id=..' => '200', '/chat#x' => "200|$OTHER", '/chat/' => '200', '/chat/x' => '200',
    '/chat//' => '200', '//chat' => "200|$OTHER", '/./chat' => '200', '/x/../chat' => '200', '/chat/..' => $OTHER, '/chat/../chat' => '200',
    '/%63hat' => '200', '/ch%61t' => '200',
        '/chat%2f' => $OTHER, '/chat%2fx' => $OTHER, '/%2fchat' => $OTHER, '/chat%00' => $OTHER, '/chat%0d%0aX:y' => $OTHER, '/chat%20' => $OTHER, '/chat%' => $OTHER, '/chat%zz' => $OTHER, '/chat;x' => $OTHER, '/chat;/x' => $OTHER,
    '/CHAT' => $OTHER, '/Chat' => $OTHER, '/chatx' => $OTHER, '/cha' => $OTHER, '/chat.json' => $OTHER, '\\chat' => $OTHER, '/x\\..\\chat' => $OTHER, '/..' => $OTHER, '/../chat' => "200|$OTHER", '/%2e%2e/chat' => "200|$OTHER", '/.%2e/chat' => "200|$OTHER", '/%2e/chat' => "200|$OTHER", '/../../etc/passwd' => $OTHER,
    '/%c0%ae%c0%ae/chat' => $OTHER, '*' => $OTHER, 'chat' => $OTHER, '' => $OTHER, '?x' => $OTHER, '#' => $OTHER, '/chat?' . 'q' x 7000 => '200',
        '/chat?' . 'q' x 9000 => '414 httpd', '/' . 'a' x 9000 => '414 httpd', '/chat?' . 'a=b&' x 1900 => '200', '/chat?%' => '200',
        '/chat?%00%ff%zz' => '200', '/chat?<script>' => "200|$OTHER",
    'http://127.0.0.1/chat' => '200', 'HTTP://127.0.0.1/chat' => '200', 'http://evil.example/chat' => '200', 'http://127.0.0.1:1/chat' => '200',
        'https://127.0.0.1/chat' => "200|$OTHER", 'http://user:pw@127.0.0.1/chat' => "200|$OTHER", 'http:///chat' => "200|$OTHER",
        'http://' => $OTHER, 'http://[::1]/chat' => "200|$OTHER", 'http://[::1/chat' => $OTHER,
    'http://a b/chat' => '400 httpd', 'ftp://127.0.0.1/chat' => "200|$OTHER", 'file:///etc/passwd' => $OTHER, 'gopher://x/chat' => "200|$OTHER",
        'javascript:alert(1)' => $OTHER, '127.0.0.1:80' => $OTHER, '/http://x/chat' => $OTHER, "/\xe9" => $OTHER, "/chat\xff" => $OTHER, "/chat\x01" => '400 httpd', "/chat\0" => '400 httpd|200', "/chat\tx" => '400 httpd',
    '/chat /x' => '400 httpd', '/metrics/../chat' => '200', '/health/../chat' => '200', '/sessions/../chat' => '200',
        '/chat/../sessions/x' => '405 method_not_allowed', '/chat/..%2fmetrics' => "200|$OTHER",
        '/server-status' => $OTHER, '/.git/config' => $OTHER, '/.htaccess' => $OTHER, '/chat/.htaccess' => '200', '/page.html/chat' => $OTHER);
for my $target (sort keys %target) {
    raw(shown($target, 50) . ' ' . length $target, $target{$target}, request_of('POST', $target, [$JSON], $GOOD));
}
for my $path ('/health', '/metrics', '/livez', '/readyz', '/openapi.json', '/docs', '/v1/models', '/v1', '/v1/nothing', '/v1/models/none',
    '/v1/models/..%2f', '/v1/models/%00', '/v1/models/%ff', '/v1/models/<b>', '/v1/models/' . 'x' x 7000, '/v1//models', '/v1/chat/completions/x') {
    $group = 'paths asked with GET';
    for my $tail ('', '?' . 'q' x 5000, '?%0d%0aX:%20y', '/', '/x', '/..', '%2f', ';x', '%00', '.json') {
        my $name = substr($path, 0, 30) . substr($tail, 0, 12);
        raw(shown($name) . ' ' . length($path . $tail), '200|400 httpd|403 httpd|404|404 httpd|405|414 httpd|503', request_of('GET',
            $path . $tail, []));
    }
}

$group = 'versions';
sub version { my ($line, $host) = @_; return "$line\r\n" . ($host // "Host: a\r\n") . "$JSON\r\nContent-Length: $LENGTH\r\n\r\n$GOOD" }
raw('HTTP/1.0', '200', version('POST /chat HTTP/1.0'));
raw('HTTP/1.0 without Host', '200', version('POST /chat HTTP/1.0', ''));
raw('HTTP/1.0 keep-alive', '200', version('POST /chat HTTP/1.0', "Connection: keep-alive\r\n"));
raw('HTTP/1.1 without Host', '400 httpd', version('POST /chat HTTP/1.1', ''));
raw(shown($_), '200|400 httpd|501 httpd|505 httpd', version("POST /chat $_")) for 'HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9',
    'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/1.10', 'HTTP/11', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1.1 x', 'HTTPS/1.1', 'HTTP 1.1', 'HTTP/1,1', 'HTTP/-1.1',
    'XTTP/1.1', 'HTTP/1.1/', "HTTP/1.1\x0b", "HTTP/1.\xb9", 'ICY/1.0', 'RTSP/1.0';
raw('0.9 of health', '0.9|400 httpd', "GET /health\r\n", half => 1);
raw('0.9 of a chat', '0.9|400 httpd', "GET /chat\r\n", half => 1);
raw('0.9 with POST', '0.9|400 httpd', "POST /chat\r\n$GOOD", half => 1);
raw('0.9 of metrics', '0.9|400 httpd', "GET /metrics\r\n", half => 1);
raw('the preface of HTTP/2', '400 httpd|405 httpd|505 httpd|501 httpd', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
raw('a TLS hello', '400 httpd|closed|0.9', "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" . "\0" x 100, half => 1);
raw('nothing', 'closed', '', half => 1);
raw('blank lines', 'closed|400 httpd', "\r\n\r\n\r\n", half => 1);
raw('blank lines, then a request', '200|400 httpd', "\r\n\r\n" . version('POST /chat HTTP/1.1'));
raw('half a request line', '400 httpd|closed|0.9', 'POST /ch', half => 1);
raw('half the headers', '400 httpd|closed|408 httpd', "POST /chat HTTP/1.1\r\nHost: a\r\nConte", half => 1);
raw('LF everywhere', '200|400 httpd', version('POST /chat HTTP/1.1') =~ s/\r\n/\n/gr);
raw('CR everywhere', '400 httpd|closed|0.9', version('POST /chat HTTP/1.1') =~ s/\r\n/\r/gr, half => 1);
raw('garbage', '400 httpd|closed|0.9', join('', map { chr(($_ * 7919) % 256) } 1 .. 2000), half => 1);
raw('NULs', '400 httpd|closed|0.9|414 httpd', "\0" x 3000, half => 1);
raw('an SMTP session', '400 httpd|closed|0.9', "EHLO a\r\nMAIL FROM:<a>\r\n", half => 1);
raw('a Redis command', '400 httpd|closed|0.9', "*1\r\n\$4\r\nPING\r\n", half => 1);
raw('a PROXY line', '400 httpd', "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" . version('POST /chat HTTP/1.1'));

$group = 'Host';
raw("'" . shown($_) . "' " . length $_, '200|400 httpd', version('POST /chat HTTP/1.1', "Host: $_\r\n")) for '', 'a b', 'a/b', 'evil.example',
    '127.0.0.1:99999', '127.0.0.1:x', ':80', '[::1]', '[::1', 'a@b', '..', '-', "a\xe9", "a\0b", 'x' x 5000, 'a,b', 'a:80:80', '%41', '*', '$(id)',
    '../..';
raw('twice', '400 httpd', version('POST /chat HTTP/1.1', "Host: a\r\nHost: b\r\n"));
raw('another than the target\'s', '200|400 httpd', version('POST http://a/chat HTTP/1.1', "Host: b\r\n"));

# ---- other headers of HTTP ----

$group = 'Expect';
header("$_", '417 httpd|400 httpd|200', "Expect: $_") for '200-ok', '100', '', '100-continue, x', '100-continue; q=1', 'x' x 1000;
raw('100-continue, the body with it', '200', framed([ "Content-Length: $LENGTH", 'Expect: 100-continue' ], $GOOD));
raw('100-Continue in capitals', '200|417 httpd', framed([ "Content-Length: $LENGTH", 'Expect: 100-CONTINUE' ], $GOOD));
raw('100-continue without a body', $INVALID, framed(['Expect: 100-continue'], ''));
raw('100-continue, refused before the body', '413 body_too_large', framed([ 'Content-Length: 999999', 'Expect: 100-continue' ], ''));
raw('100-continue in HTTP/1.0', '200', version('POST /chat HTTP/1.0', "Expect: 100-continue\r\n"));
$group = 'Range and conditions';
for my $line ('Range: bytes=0-0', 'Range: bytes=-1', 'Range: bytes=9999-', 'Range: bytes=0-0,0-0,0-0', 'Range: bytes=' . '0-,' x 1000 . '0-',
    'Range: lines=1', 'Range: bytes=a-b', 'If-Range: "x"', 'If-Match: "x"', 'If-Match: *', 'If-None-Match: *', 'If-None-Match: "x"',
    'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT',
    'If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT', 'If-Modified-Since: nonsense', 'Cache-Control: only-if-cached', 'Pragma: no-cache') {
    header("chat, " . substr($line, 0, 30), '200', $line);
    raw("health, " . substr($line, 0, 30), '200|206|304|412 httpd|416 httpd', request_of('GET', '/health', [$line]));
}
$group = 'connection headers';
header(substr($_, 0, 50), '200', $_) for 'Connection: close', 'Connection: keep-alive', 'Connection: upgrade', 'Connection: Content-Type',
    'Connection: Host, Content-Length', 'Connection: ' . 'x,' x 1000, 'Connection: ,', 'Keep-Alive: timeout=99999999', 'Upgrade: websocket',
    'Upgrade: h2c', 'Upgrade: TLS/1.0', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Sec-WebSocket-Key: x',
    'Proxy-Connection: keep-alive', 'Proxy: http://evil.example/', 'TE: trailers', 'TE: chunked', 'Trailer: X-A', 'Via: 1.1 x', 'Forwarded: for="_x"',
        'X-Forwarded-Host: evil.example', 'X-Original-URL: /metrics', 'X-Rewrite-URL: /metrics', 'X-HTTP-Method-Override: DELETE',
        'X-HTTP-Method: DELETE', 'Max-Forwards: 0', 'Early-Data: 1', 'Alt-Used: x', 'Accept-Charset: utf-16', 'Accept: application/xml',
    'Accept: ' . 'text/event-stream-x,' x 200, 'Accept-Encoding: gzip;q=9, *;q=x', 'Date: nonsense', 'From: a', 'Authorization: Basic !!!',
        'Authorization: Bearer ' . 'x' x 4000, 'Authorization: AWS4-HMAC-SHA256 Credential=x', 'X-Amz-Security-Token: x', 'X-Amz-Date: x',
        'x-amzn-bedrock-agent-runtime-client-context: x', 'SOAPAction: "x"', 'Range-Unit: x', 'Client-Cert: :AA==:';
header('both upgrade and its settings', '200|101', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__');

# ---- OpenAI's API ----

$group = 'completions';
sub completion { my ($name, $expect, $json) = @_; return body($name, $expect, $json, '/v1/chat/completions') }
my $TURN = '{"role":"user","content":"Hello"}';
my $NO   = '400 *|404 *|422 *';
completion('good', '200', qq({"model":"chatbot","messages":[$TURN]}));
completion($_, $NO, $not_json{$_}) for (sort keys %not_json)[ 0 .. 29 ];
for my $member ('model', 'messages', 'stream', 'stream_options', 'user', 'temperature', 'max_tokens', 'n', 'stop', 'tools') {
    for my $name (sort keys %value) {
        my %part = (model => '"chatbot"', messages => "[$TURN]", $member => $value{$name});
        completion("$member: $name", "200|$NO", '{' . join(',', map { qq("$_":$part{$_}) } sort keys %part) . '}');
    }
}
completion("messages: $_", "200|$NO", qq({"model":"chatbot","messages":[$_]})) for '{}', '{"role":"user"}', '{"role":"user","content":null}',
    '{"role":"user","content":""}', '{"role":"x","content":"a"}', '{"role":1,"content":"a"}', '{"role":"system","content":"a"}',
    '{"role":"assistant","content":"a"}', '{"role":"user","content":[]}',
    '{"role":"user","content":[{"type":"text"}]}', '{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}',
        '{"role":"user","content":[{"type":"text","text":"a\u0000"}]}', '{"role":"user\u0000","content":"a"}', "$TURN,$TURN",
        "$TURN,{\"role\":\"assistant\",\"content\":\"a\"}", '{"role":"tool","tool_call_id":"x","content":"a"}';
completion('1000 messages', "200|$NO", '{"model":"chatbot","messages":[' . join(',', ($TURN) x 1000) . ']}');
completion('model with markup', $NO, qq({"model":"<script>\\r\\nX: y","messages":[$TURN]}));
completion('model of 10000', $NO, '{"model":"' . 'x' x 10000 . qq(","messages":[$TURN]}));
completion('depth 1000', $NO, '{"model":"chatbot","messages":' . '[' x 1000 . ']' x 1000 . '}');
for my $name (sort keys %odd) {
    case("X-Session-Id: $name", $name =~ /^(?:a valid id|dots)$/ ? '200|400 *' : $name =~ /^(?:empty|blanks)$/ ? '200|400 *' : '400 *',
        request_of('POST', '/v1/chat/completions', [ $JSON, "X-Session-Id: $odd{$name}" ], qq({"model":"chatbot","messages":[$TURN]})));
}

\@cases;
