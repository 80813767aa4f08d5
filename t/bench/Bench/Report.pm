# What was measured, as a table and as JSON: medians over the rounds with the least and the most, ratios
# made within each round, and what was to be reached.
package Bench::Report;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();
use List::Util qw(max min);

our @EXPORT_OK = qw(print_figures print_targets write_json);

my @FIGURES = (
    [ cpu            => 'CPU a request, 64 connections',  'ms',  '%.4f' ],
    [ per_second     => 'requests a second, 64 conn.',    '/s',  '%.0f' ],
    [ median         => 'latency, 1 connection, median',  'ms',  '%.3f' ],
    [ p99            => 'latency, 1 connection, p99',     'ms',  '%.3f' ],
    [ memory         => 'memory a waiting request',       'KiB', '%.1f' ],
    [ share          => 'of the ideal, 2,000 waiting 1 s', '%',  '%.1f' ],
    [ cpu_waiting    => 'CPU a request, 2,000 waiting',   'ms',  '%.4f' ],
);

my $TIMES = sub { return $_[0] / $_[1] };
my $PLUS  = sub { return $_[0] - $_[1] };
my $ALONE = sub { return $_[0] };

# figure, the peer it is compared with, how, the bound ('<' at most, '>' at least), and in words.
my @TARGETS = (
    [ cpu        => 'mod_proxy_http', $TIMES, '<', 0.6, 'CPU a chat: at most 0.6 x mod_proxy_http' ],
    [ cpu        => 'nginx',          $TIMES, '<', 2.5, 'CPU a chat: at most 2.5 x nginx' ],
    [ per_second => 'mod_proxy_http', $TIMES, '>', 1.5, "chats a second: 1.5 x mod_proxy_http" ],
    [ median     => 'direct',         $PLUS,  '<', 0.1, 'median latency added: at most 0.10 ms' ],
    [ p99        => 'mod_proxy_http', $PLUS,  '<', 0,   "p99 latency: not above mod_proxy_http's" ],
    [ memory     => 'mod_chatbot',    $ALONE, '<', 24,  'memory a waiting chat: at most 24 KiB' ],
    [ share      => 'mod_chatbot',    $ALONE, '>', 98,  '2,000 waiting 1 s: 98 % of the ideal' ],
);

sub _summary {
    my @sorted = sort { $a <=> $b } @_;
    my $middle = $#sorted / 2;
    return { median => ($sorted[ int $middle ] + $sorted[ int($middle + 0.5) ]) / 2, least => $sorted[0], most => $sorted[-1] };
}

sub _text {
    my ($format, $summary) = @_;
    return sprintf("$format ($format..$format)", @$summary{qw(median least most)});
}

# The rounds: [ { server => { figure => number } }, ... ].
sub _values {
    my ($rounds, $server, $figure) = @_;
    return grep { defined } map { $_->{$server}{$figure} } @$rounds;
}

sub print_figures {
    my ($rounds, @servers) = @_;
    printf "%-36s%s\n", '', join '', map { sprintf '%-28s', $_ } @servers;
    for (@FIGURES) {
        my ($figure, $name, $unit, $format) = @$_;
        my @cells = map { my @values = _values($rounds, $_, $figure); @values ? _text($format, _summary(@values)) : '-' } @servers;
        printf "%-36s%s\n", "$name, $unit", join '', map { sprintf '%-28s', $_ } @cells;
    }
    return;
}

# One number a round in which both were measured.
sub _compared {
    my ($rounds, $target) = @_;
    my ($figure, $peer, $compare) = @$target;
    return map {
        my ($ours, $theirs) = ($_->{mod_chatbot}{$figure}, $_->{$peer}{$figure});
        defined $ours && defined $theirs ? $compare->($ours, $theirs) : ()
    } @$rounds;
}

sub _judge {
    my ($rounds, $target) = @_;
    my @numbers = _compared($rounds, $target) or return { target => $$target[5], result => 'not measured' };
    my $summary = _summary(@numbers);
    my $met = $$target[3] eq '<' ? $summary->{median} <= $$target[4] : $summary->{median} >= $$target[4];
    return { target => $$target[5], bound => $$target[4], %$summary, result => $met ? 'reached' : 'missed' };
}

sub print_targets {
    my ($rounds) = @_;
    for my $line (map { _judge($rounds, $_) } @TARGETS) {
        my $text = exists $line->{median} ? _text('%.3f', $line) : '';
        printf "%-46s%-28s%s\n", $line->{target}, $text, $line->{result};
    }
    return;
}

# setting: what is to be kept beside the numbers.
sub write_json {
    my ($path, $rounds, %setting) = @_;
    my %figures;
    for my $server (map { keys %$_ } @$rounds) {
        for my $figure (map { $$_[0] } @FIGURES) {
            my @values = _values($rounds, $server, $figure);
            $figures{$server}{$figure} = { %{ _summary(@values) }, rounds => \@values } if @values;
        }
    }
    my $document = { %setting, units => { map { $$_[0] => $$_[2] } @FIGURES }, servers => \%figures,
        targets => [ map { _judge($rounds, $_) } @TARGETS ] };
    open(my $file, '>', $path) or die "$path: $!\n";
    print $file JSON::PP->new->canonical->pretty->encode($document);
    close($file) or die "$path: $!\n";
    return;
}

1;
