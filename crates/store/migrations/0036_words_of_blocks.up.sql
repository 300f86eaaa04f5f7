-- Why somebody was blocked is written freely and may name the person: erasure takes the words away.
set lock_timeout = '2s';
set statement_timeout = '60s';

select grant_to_app('update (reason)', 'member_blocks');
