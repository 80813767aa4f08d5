# A Dockerfile, read and built in systems of Chatbot::Debian: of each instruction what Docker's reference
# says, as far as this project uses it; anything else ends the test.
package Chatbot::Dockerfile;

use strict;
use warnings;
use Carp qw(croak);
use File::Basename qw(basename dirname);
use JSON::PP ();
use Text::ParseWords qw(shellwords);
use Chatbot::Debian;
use Chatbot::Httpd;

# The instructions as [ name, rest ], comments dropped and lines joined.
sub parse {
    my ($class, $path) = @_;
    my (@instructions, $line);
    for my $text (split /\n/, Chatbot::Httpd::_slurp($path)) {
        next if $text =~ /^\s*(?:#|$)/;
        $line = defined $line ? "$line $text" : $text;
        next if $line =~ s/\s*\\$//;
        my ($name, $rest) = $line =~ /^\s*([A-Z]+)\s+(.*?)\s*$/ or croak "$path: $line";
        push @instructions, [ $name, $rest ];
        undef $line;
    }
    croak "$path ends in the middle of a line" if defined $line;
    return bless { instructions => \@instructions }, $class;
}

# The rests of all instructions of that name in the last stage.
sub last_stage {
    my ($self, $name) = @_;
    my @stage;
    for my $instruction (@{ $self->{instructions} }) {
        @stage = () if $instruction->[0] eq 'FROM';
        push @stage, $instruction->[1] if $instruction->[0] eq $name;
    }
    return @stage;
}

sub _words { my ($text) = @_; return $text =~ /^\[/ ? @{ JSON::PP->new->decode($text) } : ('/bin/sh', '-c', $text) }

sub _from {
    my ($self, $rest) = @_;
    my ($image, $name) = $rest =~ /^(\S+)(?: AS (\S+))?$/i or croak "FROM $rest";
    croak "FROM $image: only debian:$Chatbot::Debian::RELEASE-slim is known here" if $image ne "debian:$Chatbot::Debian::RELEASE-slim";
    my $stage = { folder => '/', env => {}, system => Chatbot::Debian->new('stage' . keys %{ $self->{stages} }) };
    $self->{stages}{ $name // '' } = $stage;
    return $stage;
}

# Files as they are; of a folder what is in it.
sub _copy {
    my ($self, $stage, $rest) = @_;
    my ($from) = $rest =~ s/^--from=(\S+)\s+// ? $1 : undef;
    my @words = shellwords($rest);
    my $to = pop @words;
    croak "COPY $rest: an option that is not known here" if grep { /^--/ } @words;
    my $source = defined $from ? $self->{stages}{$from}{system}->path : '.';
    my $absolute = $to =~ m{^/} ? $to : "$stage->{folder}/$to";
    my $target = $stage->{system}->path . $absolute;
    croak "COPY $rest: several files need a folder" if @words > 1 && $to !~ m{/$};
    for my $word (@words) {
        my $path = "$source/$word";
        my $folder = -d $path || $to =~ m{/$} ? $target : dirname($target);
        system('mkdir', '-p', $folder) == 0 or croak "COPY $rest: $folder";
        system('cp', '-R', '--', -d $path ? "$path/." : $path, -d $path || $to !~ m{/$} ? $target : $folder) == 0 or croak "COPY $rest failed";
    }
    return;
}

# Runs all of it; what the container is started with: system, env, user, folder, command, and the rest as read.
sub build {
    my ($self) = @_;
    my $stage;
    for my $instruction (@{ $self->{instructions} }) {
        my ($name, $rest) = @$instruction;
        if ($name eq 'FROM') {
            $stage = $self->_from($rest);
        } elsif ($name eq 'RUN') {
            my ($status, $text) = $stage->{system}->run([ _words($rest) ], env => { DEBIAN_FRONTEND => 'noninteractive', %{ $stage->{env} } },
                folder => $stage->{folder}, user => $stage->{user});
            croak "RUN $rest: exit status $status\n$text" if $status != 0;
        } elsif ($name eq 'COPY') {
            $self->_copy($stage, $rest);
        } elsif ($name eq 'WORKDIR') {
            $stage->{folder} = $rest;
            system('mkdir', '-p', $stage->{system}->path . $rest);
        } elsif ($name eq 'USER') {
            croak "USER $rest: two numbers are expected" if $rest !~ /^\d+:\d+$/;
            $stage->{user} = $rest;
        } elsif ($name =~ /^(?:CMD|ENTRYPOINT)$/) {
            $stage->{ lc $name } = [ _words($rest) ];
        } elsif ($name !~ /^(?:EXPOSE|VOLUME|STOPSIGNAL|HEALTHCHECK)$/) {
            croak "$name: not known here";
        }
    }
    $stage->{command} = [ @{ delete $stage->{entrypoint} || [] }, @{ delete $stage->{cmd} || [] } ];
    return $stage;
}

1;
